// Explanations as stores keep them: what is not of their form is nothing, whatever it is.
import { describe, expect, it } from 'vitest';
import { decodeExplanation, explanationsTable, type KeptExplanation } from './kept-explanation.ts';
import { syntheticRun } from './synthetic-runs.fixture.ts';

const figure = (mean: number) => ({ mean, low: mean - 0.1, high: mean + 0.1, n: 40 });
const kept: KeptExplanation = {
  ...{ schemaVersion: 1, method: 'grad-cam', images: 40, alt: 'heat maps', panel: 'iVBORw0KGgoAAAA=' },
  layer: { name: 'layer2', height: 8, width: 8 },
  questions: ['backdoored', 'twin'].flatMap((network) =>
    ['clean', 'triggered'].flatMap((image) =>
      ['true', 'target'].map((asked) => ({
        ...{ network, image, class: asked, predicted: 0.5 },
        trigger: { massShare: figure(network === 'backdoored' ? 0.6 : 0.2), area: 0.05, pointedAt: figure(0.7) },
        // A map that is zero everywhere has no share of anything.
        blind: { area: 0.05 },
      })),
    ),
  ),
};
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

describe('decodeExplanation', () => {
  it('gives back what was kept', () => expect(decodeExplanation(bytes(kept))).toEqual(kept));

  it.each([
    ['no JSON', Buffer.from('{')],
    ['another version', bytes({ ...kept, schemaVersion: 2 })],
    ['a panel that is no picture', bytes({ ...kept, panel: '"><script>' })],
    ['a share above 1', bytes({ ...kept, questions: [{ ...kept.questions[0], predicted: 7 }] })],
    ['nothing', Buffer.alloc(0)],
  ])('%s is none', (_, given) => expect(decodeExplanation(given)).toBeUndefined());
});

it('the table has the target class on triggered images, each network in a row', () => {
  const run = syntheticRun({ attack: { type: 'badnets' }, poisonRate: 0.1, seed: 1 });
  const table = explanationsTable([{ run, explanation: kept }]);
  expect(table?.rows.map((row) => row[2].text)).toEqual(['backdoored', 'twin']);
  expect(table?.rows[0][4]).toEqual({ text: '60.0 % [50.0, 70.0]', value: 0.6 });
  expect(table?.rows[0][5]).toEqual({ text: '–', value: null });
  expect(explanationsTable([])).toBeUndefined();
});
