// Text for XML and HTML; apart from the charts, whose libraries take half a second to load.

/** Text without control characters other than line breaks and tabs. */
export function withoutControls(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, '');
}

/** Text made safe for XML and HTML, in content and in quoted attributes; characters that XML forbids are left out. */
export function escapeXml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return withoutControls(text).replace(/[&<>"']/g, (character) => entities[character]);
}
