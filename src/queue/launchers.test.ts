import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { kubernetesManifest } from './kubernetes.ts';
import { shellWord, slurmScript, slurmTime } from './slurm.ts';

const slurm = {
  command: ['node', '/opt/trigger lab/main.js'],
  ...{ directory: "/home/o'neil", jobs: 4, cpus: 2, seconds: 3600, graceSeconds: 120, options: ['--account=vision'] },
};

describe('slurm', () => {
  it('writes times as Slurm reads them', () => {
    expect([90, 3600, 90_061].map(slurmTime)).toEqual(['0-00:01:30', '0-01:00:00', '1-01:01:01']);
  });

  it.skipIf(process.platform === 'win32')('a shell reads every word as it is', () => {
    for (const word of ['plain', 'two words', "o'neil", '$HOME', '`id`', 'a;b', '"', '\\', 'ü']) {
      expect(execFileSync('sh', ['-c', `printf %s ${shellWord(word)}`], { encoding: 'utf8' })).toBe(word);
    }
  });

  it('an array of workers that are told to stop before their time is up; no store in the script', () => {
    const script = slurmScript({
      ...slurm,
      experiment: 'quick',
      memoryBytes: 8e9,
      artifacts: '/shared/a',
      partition: 'cpu',
    });
    for (const option of [
      '--array=1-4',
      '--time=0-01:00:00',
      '--cpus-per-task=2',
      '--mem=7630M',
      '--partition=cpu',
      '--signal=B:USR1@120',
      '--requeue',
      '--account=vision',
    ]) {
      expect(script).toContain(`#SBATCH ${option}\n`);
    }
    expect(script).toContain(
      "node '/opt/trigger lab/main.js' worker --workers 2 --time-limit 3480 --experiment quick --memory 6800MB &",
    );
    expect(script).toContain('export TRIGGERLAB_ARTIFACTS=/shared/a');
    expect(script).not.toContain('postgres://user');
    if (process.platform !== 'win32') execFileSync('bash', ['-n'], { input: script });
  });

  it.skipIf(process.platform === 'win32')(
    'the script hands a signal on, waits for the worker and ends as it does',
    () => {
      const worker = 'trap "echo told; exit 7" USR1; echo ready; while :; do sleep 0.05; done';
      const script = slurmScript({ ...slurm, command: ['bash', '-c', worker], directory: '/' });
      const output = execFileSync(
        'bash',
        ['-c', 'bash -c "$1" & job=$!; sleep 1; kill -TERM $job; wait $job; echo "code $?"', 'test', script],
        { encoding: 'utf8', env: { ...process.env, TRIGGERLAB_STORE: 'postgres://somewhere' } },
      );
      expect(output).toBe('ready\ntold\ncode 7\n');
    },
  );
});

it('kubernetes: a work queue with the store in a secret', () => {
  const job = { name: 'triggerlab', image: 'lab:1', secret: 'store', jobs: 8, cpus: 2, graceSeconds: 90 };
  const { spec, ...rest } = parse(kubernetesManifest({ ...job, volume: 'artifacts', memoryBytes: 4e9 }));
  expect(rest).toEqual({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'triggerlab' } });
  expect(spec).toMatchObject({ parallelism: 8, backoffLimit: 80 });
  expect(spec.completions).toBeUndefined();
  const pod = spec.template.spec;
  expect(pod).toMatchObject({ restartPolicy: 'OnFailure', terminationGracePeriodSeconds: 90 });
  expect(pod.volumes).toEqual([{ name: 'artifacts', persistentVolumeClaim: { claimName: 'artifacts' } }]);
  expect(pod.containers[0]).toMatchObject({
    command: ['triggerlab', 'worker', '--workers', '2', '--memory', '3400MB'],
    env: [
      { name: 'TRIGGERLAB_STORE', valueFrom: { secretKeyRef: { name: 'store', key: 'url' } } },
      { name: 'TRIGGERLAB_ARTIFACTS', value: '/artifacts' },
    ],
    resources: { requests: { cpu: '2', memory: '4000000000' }, limits: { memory: '4000000000' } },
  });
  expect(parse(kubernetesManifest(job)).spec.template.spec.volumes).toBeUndefined();
});
