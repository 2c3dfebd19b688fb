// The Job with which Kubernetes starts workers: a work queue, where pods end by themselves when nothing is left.
import { stringify } from 'yaml';

export interface KubernetesJob {
  readonly name: string;
  /** Container image with triggerlab in its PATH. */
  readonly image: string;
  /** Secret whose key `url` holds the store's URL. */
  readonly secret: string;
  readonly experiment?: string | undefined;
  /** Pods at the same time. */
  readonly jobs: number;
  readonly cpus: number;
  readonly memoryBytes?: number | undefined;
  /** Persistent volume claim for artifacts and checkpoints that the pods share. */
  readonly volume?: string | undefined;
  readonly graceSeconds: number;
}

/** The manifest for `kubectl apply`. */
export function kubernetesManifest(job: KubernetesJob): string {
  const size = job.memoryBytes === undefined ? {} : { memory: String(Math.ceil(job.memoryBytes)) };
  const resources = { cpu: String(job.cpus), ...size };
  const container = {
    name: 'worker',
    image: job.image,
    command: [
      ...['triggerlab', 'worker', '--workers', String(job.cpus)],
      ...(job.experiment === undefined ? [] : ['--experiment', job.experiment]),
      ...(job.memoryBytes === undefined ? [] : ['--memory', `${Math.floor((0.85 * job.memoryBytes) / 1e6)}MB`]),
    ],
    env: [
      { name: 'TRIGGERLAB_STORE', valueFrom: { secretKeyRef: { name: job.secret, key: 'url' } } },
      ...(job.volume === undefined ? [] : [{ name: 'TRIGGERLAB_ARTIFACTS', value: '/artifacts' }]),
    ],
    resources: { requests: resources, limits: size },
    ...(job.volume === undefined ? {} : { volumeMounts: [{ name: 'artifacts', mountPath: '/artifacts' }] }),
  };
  return stringify({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: job.name },
    spec: {
      // No `completions`: the job is done when one pod has found nothing left to do and the others have ended.
      parallelism: job.jobs,
      backoffLimit: 10 * job.jobs,
      template: {
        spec: {
          restartPolicy: 'OnFailure',
          terminationGracePeriodSeconds: job.graceSeconds,
          containers: [container],
          ...(job.volume === undefined
            ? {}
            : { volumes: [{ name: 'artifacts', persistentVolumeClaim: { claimName: job.volume } }] }),
        },
      },
    },
  });
}
