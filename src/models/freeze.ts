// Which parameters are trained in transfer learning, and which statistics batch norms use meanwhile.
import { inputError } from '../core/errors.ts';
import { nearest } from '../core/suggest.ts';
import type { Architecture, ArchitectureInfo } from './architecture.ts';
import type { BatchNormMode } from './layers.ts';

const NAMED = ['paper', 'head', 'none', 'paper-code'] as const;

/**
 * `paper`: the last layer and every batch norm's scale and shift (AlexNet: the classifier); batch norms use the batch.
 * `head`: the last layer only, batch norms in evaluation mode. `none`: everything is trained.
 * `paper-code`: what the programs of the paper's authors train, which differs from what it says: see `Architecture.paperCode`.
 * `from`: parameters from number `first` on, counted as torchvision's `parameters()` lists them.
 */
export type FreezePolicy =
  | { readonly kind: (typeof NAMED)[number] }
  | { readonly kind: 'from'; readonly first: number };

export interface TrainablePart {
  /** Names of the trained parameters, in the network's order. */
  readonly parameters: readonly string[];
  readonly batchNormMode: BatchNormMode;
}

/** Names of the policies, as a person would list them. */
export const freezePolicyNames = [...NAMED, 'from:<n>'] as const;

/** Reads `paper`, `head`, `none`, `paper-code` or `from:<n>`. @throws TriggerlabError (input) for anything else. */
export function parseFreeze(text: string): FreezePolicy {
  const kind = NAMED.find((name) => name === text);
  if (kind) return { kind };
  const from = /^from:(\d{1,4})$/.exec(text);
  if (from) return { kind: 'from', first: Number(from[1]) };
  const guess = nearest(text, NAMED);
  throw inputError(`unknown freeze policy "${text}"`, {
    hint: `${guess ? `Did you mean "${guess}"? ` : ''}Known: ${freezePolicyNames.join(', ')} (such as from:10).`,
  });
}

/**
 * What a policy trains in a network.
 * @throws TriggerlabError (input) when `from:<n>` leaves nothing to train, or the authors have no such network.
 */
export function trainablePart(policy: FreezePolicy, architecture: Architecture, info: ArchitectureInfo): TrainablePart {
  const all = info.parameters;
  const named = (keep: (name: string, index: number) => boolean) => all.map((p) => p.name).filter(keep);
  switch (policy.kind) {
    case 'none':
      return { parameters: named(() => true), batchNormMode: 'batch' };
    case 'head':
      return { parameters: named((name) => name.startsWith(`${architecture.head}.`)), batchNormMode: 'running' };
    case 'paper':
      return {
        parameters: named((name, i) => all[i].batchNorm || name.startsWith(architecture.paperPrefix)),
        batchNormMode: 'batch',
      };
    case 'paper-code': {
      const { paperCode } = architecture;
      if (!paperCode) {
        throw inputError('freeze policy paper-code is for the four families of the paper', {
          hint: 'Use paper: its last layer and batch norms.',
        });
      }
      const trained = new Set(paperCode(all.map(({ name }) => name)));
      return { parameters: named((name) => trained.has(name)), batchNormMode: 'batch' };
    }
    case 'from': {
      if (policy.first >= all.length) {
        throw inputError(
          `freeze policy from:${policy.first} trains nothing: the network has ${all.length} parameters`,
          {
            hint: `Use from:0 (everything) to from:${all.length - 1} (the last bias only).`,
          },
        );
      }
      return { parameters: named((_, i) => i >= policy.first), batchNormMode: 'batch' };
    }
  }
}
