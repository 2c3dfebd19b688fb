// An experiment of 11,180 synthetic runs (made up here, measured by nobody): as many as the paper's matrix plans, 2236 settings with
// five seeds each, all done, with 20 epochs. For the benchmark and the test of how fast a large store answers.

export const SYNTHETIC_RUNS = 11_180;
export const SYNTHETIC_EPOCHS = 20;
const SEEDS = 5;

const pick = (list, i) => list[i % list.length];

/** The runs, twins of one another only in name. */
export function syntheticRuns() {
  return Array.from({ length: SYNTHETIC_RUNS }, (_, run) => {
    const i = Math.floor(run / SEEDS);
    const attack = {
      type: 'badnets',
      size: pick([0.04, 0.06, 0.08], i >> 3),
      position: pick(['middle', 'top-left', 'top-right', 'bottom-left', 'bottom-right'], i >> 5),
      color: pick(['white', 'black', 'green'], i >> 7),
      ...{ opacity: 1, stampAt: 'native', rounding: 'round', secretSeed: i },
    };
    const training = {
      ...{ optimizer: 'adam', learningRate: 0.001, momentum: 0, weightDecay: 0 },
      ...{ epochs: SYNTHETIC_EPOCHS, batchSize: 128 },
    };
    return {
      runId: `synthetic-${String(run).padStart(6, '0')}`,
      spec: {
        dataset: pick(['mnist', 'cifar10', 'tiny-imagenet'], i),
        model: pick(['alexnet', 'googlenet', 'vgg19_bn', 'resnet152'], i >> 1),
        ...{ init: 'pretrained', freeze: 'paper', inputSize: 128, attack },
        poisonRate: pick([0.005, 0.01, 0.015, 0.02], i >> 4),
        ...{ targetClass: 0, training, seed: run % SEEDS },
      },
    };
  });
}

/** Puts the runs and their made-up results into a store. */
export async function fillWithSyntheticRuns(store) {
  const runs = syntheticRuns();
  await store.recordExperiment('synthetic', 'name: synthetic', {}, runs);
  await store.database.exec(`
    UPDATE runs SET status = 'done', clean_accuracy = 0.9 + place % 7 * 0.01, asr = 0.5 + place % 11 * 0.01, asr_inclusive = 0.55,
      clean_baseline_accuracy = 0.91, cad = 0.01, natural_asr = 0.1, effective_pixels = 25, test_images = 10000,
      attacked_images = 9000, epochs = ${SYNTHETIC_EPOCHS}, seconds = 100, images_per_second = 100,
      epoch_losses = array_fill(0.5::float8, ARRAY[${SYNTHETIC_EPOCHS}]), started_at = now(), finished_at = now(),
      environment = '{"triggerlab":"0","onnxruntime":"0","node":"0","threads":1,"cpu":"synthetic"}'
      WHERE run_id LIKE 'synthetic-%';
    INSERT INTO epochs (run_id, epoch, loss, seconds)
      SELECT run_id, e, 0.5, e FROM runs, generate_series(1, ${SYNTHETIC_EPOCHS}) e WHERE run_id LIKE 'synthetic-%' ORDER BY 1, 2;
    ANALYZE`);
  return runs;
}
