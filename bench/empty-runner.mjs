// A runner process that answers every job at once: what is left of a run when nothing is trained. For bench/overhead.mjs.
const trained = Buffer.alloc(40_000);
const figures = {
  cleanAccuracy: 0.9,
  testImages: 1000,
  epochs: 1,
  epochLosses: [1],
  seconds: 0.001,
  imagesPerSecond: 1,
};
const attacked = { asr: 0.5, asrInclusive: 0.5, naturalAsr: 0.1, effectivePixels: 9, attackedImages: 900 };
const none = Object.fromEntries(Object.keys(attacked).map((name) => [name, null]));
const environment = { triggerlab: '0', onnxruntime: '0', node: process.version, threads: 1, cpu: '' };

process.on('message', ({ kind, job }) => {
  if (kind !== 'job') return;
  const clean = job.spec.attack.type === 'none';
  const baseline = job.twin?.cleanAccuracy ?? null;
  const metrics = {
    ...figures,
    ...(clean ? none : attacked),
    ...{ falseTriggerRate: null, cleanBaselineAccuracy: baseline, cad: baseline === null ? null : baseline - 0.9 },
  };
  process.send({ kind: 'epoch', epoch: 1, loss: 1, seconds: 0.001 });
  process.send({ kind: 'done', metrics, trained, environment, memory: process.memoryUsage().rss });
});
process.on('disconnect', () => process.exit(0));
process.send({ kind: 'ready' });
