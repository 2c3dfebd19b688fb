import { it } from 'vitest';
import { resultsTable, resultsText } from './results-table.ts';
import { syntheticExperiment, syntheticFailure } from './synthetic-runs.fixture.ts';
import { writeReport } from './write-report.ts';

it('preview', async () => {
  const runs = [
    ...syntheticExperiment({ colors: ['white', 'black'], seeds: [1, 2] }),
    syntheticFailure('worker ended with signal SIGKILL: out of memory', {
      seed: 3,
      poisonRate: 0.02,
      attack: {
        type: 'badnets',
        size: 0.16,
        position: 'middle',
        color: 'black',
        opacity: 1,
        stampAt: 'native',
        rounding: 'round',
      },
    }),
  ];
  const specText =
    '# SYNTHETIC DATA: layout check only\nname: synthetic\nmodel: [resnet-mini, alexnet-mini]\nattack:\n  type: badnets\n  size: [0.08, 0.16]\n';
  console.log(
    (
      await writeReport({
        experiment: {
          name: 'Synthetic layout check',
          specText,
          resolved: {
            description: 'Made-up numbers for looking at the layout.',
            model: ['a', 'b'],
            attack: { size: [0.08, 0.16] },
          },
        },
        runs,
        directory: '/tmp/rep',
      })
    ).files.join('\n'),
  );
  console.log(resultsText(resultsTable(runs)));
  const single = syntheticExperiment({
    models: ['resnet-mini'],
    seeds: [1],
    poisonRates: [0.001, 0.005, 0.01, 0.02, 0.05, 0.1],
    positions: ['top-left', 'top-right', 'middle', 'bottom-left', 'random'],
    sizes: [0.04, 0.08, 0.16],
  });
  await writeReport({
    experiment: { name: 'one seed', specText, resolved: null },
    runs: single,
    directory: '/tmp/rep1',
  });
  await writeReport({
    experiment: { name: 'nothing', specText, resolved: null },
    runs: [syntheticFailure('bad')],
    directory: '/tmp/rep0',
  });
});
