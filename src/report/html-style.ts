// The looks of the report: one style sheet for screen (light and dark), phone and paper. No external fonts or images.

export const STYLE = `
:root{color-scheme:light dark;--paper:#fcfbf9;--raised:#fff;--ink:#1f2328;--soft:#565d66;--rule:#d9d6d0;--accent:#0a5c9e;--bar:#a9cfec;--bad:#a3241b;--good:#1c6b3a;--stripe:#f4f2ee;
--serif:Charter,"Bitstream Charter","Iowan Old Style","Palatino Linotype",Georgia,serif;--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;--mono:ui-monospace,"SF Mono",Menlo,Consolas,monospace}
@media screen and (prefers-color-scheme:dark){:root{--paper:#15181c;--raised:#1b1f24;--ink:#e6e8eb;--soft:#a3abb5;--rule:#363c44;--accent:#7dbdf0;--bar:#2d658f;--bad:#ff9d92;--good:#7fd6a0;--stripe:#1e2228}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth;scroll-padding-top:1rem}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.6 var(--serif)}
.skip{position:absolute;left:-999rem}
.skip:focus{left:1rem;top:1rem;padding:.5rem 1rem;background:var(--raised);color:var(--accent);z-index:2}
header,main,footer{max-width:74rem;margin:0 auto;padding:0 1.5rem}
header{padding-top:3.5rem}
.kicker{margin:0;font:600 .8rem/1.4 var(--sans);letter-spacing:.09em;text-transform:uppercase;color:var(--soft)}
h1{margin:.2rem 0 1rem;font-size:clamp(1.9rem,5vw,2.9rem);line-height:1.12;font-weight:600;letter-spacing:-.015em;overflow-wrap:anywhere}
h2{margin:3.5rem 0 .8rem;padding-top:1.1rem;border-top:1px solid var(--rule);font-size:1.55rem;line-height:1.25;font-weight:600;letter-spacing:-.008em}
h3{margin:2rem 0 .5rem;font-size:1.1rem;line-height:1.35;font-weight:600}
p,li,dd{max-width:44rem;text-wrap:pretty}
.lead{font-size:1.15rem}
a{color:var(--accent);text-underline-offset:.15em}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
nav ul{display:flex;flex-wrap:wrap;gap:.3rem 1.3rem;margin:1.6rem 0 0;padding:0;list-style:none;font:.92rem/1.5 var(--sans)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:0;margin:2rem 0 0;border-top:2px solid var(--ink)}
.figures div{padding:.9rem 1.2rem .9rem 0}
.figures dt{font:.85rem/1.4 var(--sans);color:var(--soft)}
.figures .value{margin:.1rem 0;font:600 1.35rem/1.3 var(--sans);font-variant-numeric:tabular-nums}
.figures .note{margin:0;font:.82rem/1.45 var(--sans);color:var(--soft);overflow-wrap:anywhere}
.scroll{overflow-x:auto;margin:1.2rem 0;border-block:1px solid var(--rule);background:var(--raised)}
table{border-collapse:collapse;width:100%;font:.88rem/1.45 var(--sans);font-variant-numeric:tabular-nums}
caption{padding:.7rem .6rem;text-align:left;color:var(--soft)}
caption span{position:sticky;left:.6rem;display:inline-block;max-width:min(60rem,calc(100vw - 3.6rem));white-space:normal}
caption strong{color:var(--ink)}
th,td{padding:.38rem .6rem;text-align:left;vertical-align:baseline;white-space:nowrap}
thead th{border-bottom:2px solid var(--ink);vertical-align:bottom;font-weight:600}
tbody th{font-weight:500}
tbody tr+tr>*{border-top:1px solid var(--rule)}
tbody tr.break>*{border-top:2px solid var(--soft)}
tbody tr:hover>*{background:var(--stripe)}
.number{text-align:right}
.share{background:linear-gradient(var(--bar),var(--bar)) left .6rem bottom 2px/calc(var(--share)*(100% - 1.2rem)) 4px no-repeat}
.wrap{white-space:normal;min-width:16rem;overflow-wrap:anywhere}
th button{all:unset;cursor:pointer}
th button:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
th[aria-sort] button::after{content:" ↑"}
th[aria-sort=descending] button::after{content:" ↓"}
.notes{font:.88rem/1.55 var(--sans);color:var(--soft)}
figure{margin:1.4rem 0 2rem}
figcaption{max-width:44rem;margin-top:.5rem;font:.88rem/1.55 var(--sans);color:var(--soft)}
.chartbox{overflow-x:auto}
.chartbox svg.chart{display:block;min-width:34rem;background:none;color:var(--ink);--chart-paper:var(--paper)}
.triggers{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(26rem,100%),1fr));gap:.5rem 2.5rem}
.trigger{margin:.6rem 0 1rem}
.trigger h3{margin:.4rem 0 .6rem;font:600 .95rem/1.4 var(--sans);overflow-wrap:anywhere}
.strip{display:grid;grid-template-columns:6.2rem 1fr;align-items:center;gap:.6rem;margin:.3rem 0;font:.82rem/1.3 var(--sans);color:var(--soft)}
.strip img{display:block;max-width:100%;height:auto;image-rendering:pixelated}
pre{overflow-x:auto;margin:.8rem 0;padding:1rem 1.2rem;border:1px solid var(--rule);background:var(--raised);font:.84rem/1.55 var(--mono);tab-size:2}
code{font:.88em var(--mono);overflow-wrap:anywhere}
pre code{font:inherit;overflow-wrap:normal}
details{margin:.8rem 0}
summary{cursor:pointer;font:600 .95rem/1.5 var(--sans)}
dl.terms{margin:1rem 0}
dl.terms dt{margin-top:.7rem;font-weight:600}
dl.terms dd{margin:0}
.failed,.bad{color:var(--bad);font-weight:600}
.good{color:var(--good);font-weight:600}
.quiet{color:var(--soft)}
footer{margin-top:4rem;padding-top:1.2rem;padding-bottom:3rem;font:.85rem/1.5 var(--sans);color:var(--soft)}
@media (max-width:40rem){body{font-size:1rem}header,main,footer{padding-inline:1rem}header{padding-top:2rem}h2{margin-top:2.6rem}th,td{padding-inline:.55rem}.strip{grid-template-columns:1fr;gap:.15rem}}
@media print{@page{margin:1.6cm}:root{--paper:#fff}body{font-size:10pt}nav,.skip{display:none}h2,h3{break-after:avoid}figure,tr,.trigger{break-inside:avoid}.scroll,.chartbox{overflow:visible}.chartbox svg.chart{min-width:0}th,td{padding:.2rem .35rem;white-space:normal}table{font-size:8pt}pre{white-space:pre-wrap}details::details-content{content-visibility:visible;block-size:auto}}
`;

/** Makes column heads sort their table; without it the tables are merely not sortable. */
export const SORT_SCRIPT = `for(const table of document.querySelectorAll('table.sortable')){const body=table.tBodies[0],heads=[...table.tHead.rows[0].cells];heads.forEach((head,at)=>{const button=document.createElement('button');button.type='button';button.append(...head.childNodes);head.append(button);button.addEventListener('click',()=>{const down=head.getAttribute('aria-sort')==='ascending';for(const other of heads)other.removeAttribute('aria-sort');head.setAttribute('aria-sort',down?'descending':'ascending');const of=row=>row.cells[at].dataset.value??'';const rows=[...body.rows].sort((a,b)=>{const[x,y]=[of(a),of(b)];if(x===''||y==='')return(x==='')-(y==='');const order=isNaN(x)||isNaN(y)?x.localeCompare(y):x-y;return down?-order:order});for(const row of rows)row.classList.remove('break');body.append(...rows)})})}`;
