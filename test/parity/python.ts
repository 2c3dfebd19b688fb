// Runs PyTorch for the tests that need it. Without it they fail, saying what to do: a skipped test would seem to pass.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SCRIPT = fileURLToPath(new URL('torchvision_live.py', import.meta.url));

/** The Python that the tests use: TRIGGERLAB_PYTHON, or python3. */
const python = process.env.TRIGGERLAB_PYTHON || 'python3';

/** What torchvision_live.py prints. @throws Error with its own message. */
export async function askTorch(...args: string[]): Promise<string> {
  return askPython(SCRIPT, ...args);
}

/** What a script prints. @throws Error with its own message. */
export async function askPython(script: string, ...args: string[]): Promise<string> {
  const options = { maxBuffer: 1 << 28, env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } };
  const { stdout } = await promisify(execFile)(python, [script, ...args], options);
  return stdout;
}

/** Versions of torch, torchvision and numpy. @throws Error saying how to get them when they are not there. */
export async function requireTorch(): Promise<string> {
  try {
    return (await askTorch('check')).trim();
  } catch (cause) {
    const lines = String((cause as { stderr?: string }).stderr || cause)
      .trim()
      .split('\n');
    throw new Error(
      `test:parity needs a Python with torch, torchvision and numpy; "${python}" answered: ${lines[lines.length - 1]}\n` +
        'Install them (Debian: python3-torch python3-torchvision; PyPI: pip install torch torchvision numpy), ' +
        'or name another Python in TRIGGERLAB_PYTHON.',
      { cause },
    );
  }
}
