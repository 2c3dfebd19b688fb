// The encoder that settings ask for: from the cache directory, trained and kept there when it is missing.
import { failedError, messageOf } from '../../core/errors.ts';
import { datasetLabel } from '../../core/references.ts';
import type { DatasetDefinition } from '../../data/dataset.ts';
import type { Runtime } from '../../runtime/node.ts';
import {
  checkpointPath,
  type EncoderCard,
  readEncoder,
  type StoredEncoder,
  writeEncoder,
} from '../../triggers/ssba/encoder-files.ts';
import { type EncoderChoice, encoderKey, type SsbaSettings, settingsFor } from '../../triggers/ssba/settings.ts';
import { type SsbaTrainingOptions, trainSsba } from './training.ts';

export interface EnsureOptions extends EncoderChoice, Pick<SsbaTrainingOptions, 'onStep' | 'onCheck' | 'signal'> {
  /** Told what else is worth knowing. */
  readonly onNote?: (text: string) => void;
  /** Told when the training has ended. */
  readonly onEnd?: () => void;
}

export interface EnsuredEncoder {
  readonly encoder: StoredEncoder;
  readonly key: string;
  readonly settings: SsbaSettings;
  /** Whether it was trained now. */
  readonly trained: boolean;
}

/**
 * The encoder of a dataset and a choice. A training that was interrupted is continued.
 * @throws TriggerlabError (input) when the dataset's images are no squares, (failed) when the training diverges or the signal ends it.
 */
export async function ensureEncoder(
  runtime: Runtime,
  dataset: DatasetDefinition,
  { onNote = () => {}, onEnd = () => {}, onStep, onCheck, signal, ...choice }: EnsureOptions,
): Promise<EnsuredEncoder> {
  const settings = settingsFor(dataset, choice);
  const key = encoderKey(settings);
  const known = readKnown();
  if (known) return { encoder: known, key, settings, trained: false };
  const { train } = await dataset.load();
  const checkpoint = checkpointPath(key);
  const training = await trainSsba(runtime, train, settings, { checkpoint, onStep, onCheck, signal });
  onEnd();
  if (!training) {
    throw failedError("the training of SSBA's encoder was interrupted", {
      hint: 'The same command goes on from where it was.',
    });
  }
  const { bitAccuracy, psnr } = training.check;
  if (training.enough === false) {
    onNote(
      `after ${training.steps} steps the encoder is not yet as good as the schedule asks for; it is kept as it is`,
    );
  }
  const card: EncoderCard = {
    dataset: datasetLabel(dataset.name),
    side: dataset.height,
    ...{ bits: choice.bits, width: settings.size.width, schedule: choice.schedule.name, seed: choice.seed },
    steps: training.steps,
    seconds: Math.round(training.seconds),
    ...{ bitAccuracy, psnr },
  };
  await writeEncoder(key, training.parameters, card);
  const encoder = readEncoder(key, settings.size);
  if (!encoder) throw failedError(`the SSBA encoder ${key} was removed while it was in use`, { hint: 'Try again.' });
  return { encoder, key, settings, trained: true };

  function readKnown(): StoredEncoder | undefined {
    try {
      return readEncoder(key, settings.size);
    } catch (error) {
      onNote(`${messageOf(error)}. It is trained again.`);
      return undefined;
    }
  }
}
