// What the system refuses, in words.
import { expect, it } from 'vitest';
import { failedError } from './errors.ts';
import { diskFull, isDiskFull, systemFault } from './system-fault.ts';

const thrown = (code: string) => Object.assign(new Error(`${code}: as the system says, write '/x'`), { code });

it('full disks are found in what caused an error too', () => {
  for (const code of ['ENOSPC', 'EDQUOT', '53100']) {
    expect(isDiskFull(thrown(code))).toBe(true);
    expect(isDiskFull(failedError('the work failed', { cause: thrown(code) }))).toBe(true);
  }
  expect(isDiskFull(diskFull('here'))).toBe(true);
  for (const other of [thrown('ENOENT'), failedError('x'), undefined, null, 'ENOSPC'])
    expect(isDiskFull(other)).toBe(false);
});

it('says what to do about it, and leaves other errors alone', () => {
  expect(systemFault(thrown('ENOSPC'))).toMatchObject({ kind: 'failed', hint: expect.stringContaining('Make room') });
  expect(systemFault(thrown('EROFS'))).toMatchObject({
    message: "not permitted: EROFS: as the system says, write '/x'",
    hint: expect.stringContaining('--store'),
  });
  expect(systemFault(thrown('EMFILE'))?.hint).toContain('ulimit');
  expect(systemFault(thrown('EIO'))?.message).toContain('disk fails');
  for (const other of [
    thrown('ENOENT'),
    new TypeError('ours'),
    failedError('told already', { cause: thrown('EIO') }),
  ]) {
    expect(systemFault(other)).toBeUndefined();
  }
});
