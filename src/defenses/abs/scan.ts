// A scan by ABS: stimulate every neuron, seek a trigger for those that lift a class the most, see whether it works on other images.
import { inputError } from '../../core/errors.ts';
import { Rng } from '../../core/rng.ts';
import type { AbsParameters } from '../abs.ts';
import type { DefenseResult, DefenseSubject, DefenseWatch } from '../defense.ts';
import { defenderImages, defenderRows } from '../fine-tune.ts';
import { type Candidate, strongest } from './candidates.ts';
import { openReversal, openTriggered, type ReversedTrigger } from './reverse.ts';
import { liftedBy, stimulatedLayers } from './stimulate.ts';

/** Share of the work that the stimulation is taken for. */
const STIMULATION = 0.4;

export async function scanNetwork(
  subject: DefenseSubject,
  settings: AbsParameters,
  { onProgress, checkStop = () => {} }: DefenseWatch,
): Promise<DefenseResult> {
  const { seeds, heldOut } = drawnImages(subject, settings);
  const layers = stimulatedLayers(subject.network);
  if (layers.length === 0) {
    throw inputError(`${subject.network.model.name} has no feature maps whose channels could be stimulated`, {
      hint: 'ABS needs a convolutional network.',
    });
  }
  const cost = { forwardPasses: 0, backwardPasses: 0 };
  const found: Candidate[] = [];
  const largest: number[] = [];
  for (const [at, layer] of layers.entries()) {
    const lifted = await liftedBy(subject, layer, at, seeds, (share) => {
      checkStop();
      onProgress?.((STIMULATION * (at + share)) / layers.length, 'stimulating neurons');
    });
    found.push(...lifted.found);
    largest.push(lifted.largest);
    cost.forwardPasses += lifted.passes;
  }
  const chosen = strongest(found, settings.candidates, settings.perLayer, layers.length);
  // Layer by layer, then all triggers on other images: the runtime keeps few sessions, and closes the one unused for longest.
  const sought: { candidate: Candidate; trigger: ReversedTrigger }[] = [];
  for (const layer of new Set(chosen.map((candidate) => candidate.layer))) {
    const reverse = await openReversal(subject, layers[layer], seeds, largest[layer], settings);
    for (const candidate of chosen) {
      if (candidate.layer !== layer) continue;
      sought.push({ candidate, trigger: await reverse(candidate.channel, checkStop) });
      cost.forwardPasses += settings.iterations * seeds.count;
      cost.backwardPasses += settings.iterations * seeds.count;
      onProgress?.(STIMULATION + ((1 - STIMULATION) * sought.length) / chosen.length, 'seeking triggers');
    }
  }
  const answers = await openTriggered(subject, heldOut);
  const scanned = [];
  sought.sort((a, b) => chosen.indexOf(a.candidate) - chosen.indexOf(b.candidate));
  for (const { candidate, trigger } of sought) {
    const predicted = await answers(trigger.planes);
    const others = predicted.filter((_, row) => heldOut.labels[row] !== candidate.class);
    const reasr = others.filter((label) => label === candidate.class).length / Math.max(1, others.length);
    cost.forwardPasses += heldOut.count;
    const { name, op } = layers[candidate.layer];
    scanned.push({ ...candidate, layer: name, op, maskPixels: trigger.norm, reasr });
  }
  const best = scanned.reduce<(typeof scanned)[number] | undefined>(
    (a, b) => (a && a.reasr >= b.reasr ? a : b),
    undefined,
  );
  const flagged = (best?.reasr ?? 0) >= settings.bound;
  const { targetClass } = subject;
  return {
    metrics: {
      flagged,
      reasr: best?.reasr ?? 0,
      suspectClass: flagged && best ? best.class : null,
      targetFound: targetClass === undefined ? null : flagged && best?.class === targetClass,
      candidates: found.length,
      scanned: scanned.length,
      maskPixels: best?.maskPixels ?? null,
    },
    details: { candidates: scanned },
    cost,
  };
}

/** Seeds and held-out images of a defender: different ones, both drawn by the seed. */
function drawnImages(subject: DefenseSubject, { budget, seeds, heldOut }: AbsParameters) {
  const rows = defenderRows(subject, budget);
  if (rows.length < seeds + 1) {
    throw inputError(`the defender has ${rows.length} clean images: ABS needs ${seeds} and some more`, {
      hint: 'Raise budget, or take fewer seeds.',
    });
  }
  const order = Array.from(Rng.of(subject.seed, 'abs', 'images').permutation(rows.length), (i) => rows[i]);
  const take = (from: number, count: number) =>
    defenderImages(subject, Int32Array.from(order.slice(from, from + count)).sort());
  return { seeds: take(0, seeds), heldOut: take(seeds, heldOut) };
}
