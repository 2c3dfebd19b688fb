import { describe, expect, it } from 'vitest';
import { describeArchitecture, takesSize } from './architecture.ts';
import { models } from './registry.ts';

describe('the size of a network’s images', () => {
  it.each([
    ['alexnet', 32, 63],
    ['vgg11', 16, 32],
  ])('%s: %d pixels are too few, %d enough', (name, few, enough) => {
    const { architecture } = models.get(name);
    expect(takesSize(architecture, few)).toBe(false);
    expect(takesSize(architecture, enough)).toBe(true);
    expect(() => describeArchitecture(architecture, few, 10)).toThrow(
      expect.objectContaining({ kind: 'input', message: expect.stringMatching(`^${few} × ${few} pixels are too few`) }),
    );
  });

  it('other mistakes of an architecture are not taken for it', () => {
    const { architecture } = models.get('vgg-mini');
    const broken = {
      ...architecture,
      forward: () => {
        throw new Error('broken');
      },
    };
    expect(() => takesSize(broken, 32)).toThrow('broken');
  });
});
