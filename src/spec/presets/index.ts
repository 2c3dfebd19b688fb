// Presets: named bundles of ordinary spec fields. docs/presets.md has them side by side.
import { registry } from '../../core/registry.ts';
import { inputSizes, schedule, tinyImageNetSchedule } from './paper.ts';
import { paperCode, paperCode202301, paperCode202304 } from './paper-code.ts';
import type { Preset } from './preset.ts';

export type { Preset, PresetRule } from './preset.ts';

const when = [...inputSizes(['mnist']), ...tinyImageNetSchedule];

export const presets = registry<Preset>('preset', [
  {
    name: 'corrected',
    title: 'the paper’s experiment with its slips put right',
    source:
      'The paper’s schedule. A square’s side is rounded to the nearest pixel, so that 4 %, 6 % and 8 % differ wherever the image can show it.',
    fields: schedule,
    attack: { badnets: { stampAt: 'native', rounding: 'round' } },
    when,
  },
  {
    name: 'paper-text',
    title: 'as the text of the paper says',
    source:
      'Adam with learning rate 0.001, 20 epochs, batch 128, last layer and batch norm trainable (AlexNet: the classifier); side of the square rounded down, at least one pixel.',
    fields: schedule,
    attack: { badnets: { stampAt: 'native', rounding: 'floor' } },
    when,
  },
  paperCode,
  paperCode202301,
  paperCode202304,
]);

/** The preset that `name` means for attacks of a type. */
export function presetFor(name: string, attackType: string): Preset {
  const preset = presets.get(name);
  const { byAttack = {} } = preset;
  return Object.hasOwn(byAttack, attackType) ? presets.get(byAttack[attackType]) : preset;
}
