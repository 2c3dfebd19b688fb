// A PostgreSQL server of a test's own: in a temporary directory, on the loopback address, gone afterwards.
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where Debian keeps the newest server's programs; undefined when there is none. */
function binaries() {
  const root = '/usr/lib/postgresql';
  try {
    const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
    return versions.length > 0 ? join(root, versions[0], 'bin') : undefined;
  } catch {
    return undefined;
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Starts a server: its URL, an immediate restart (as after a power cut), and its end. @throws Error without PostgreSQL. */
export async function privatePostgres() {
  const bin = binaries();
  if (!bin) throw new Error('PostgreSQL is not installed: apt-get install postgresql');
  const directory = mkdtempSync(join(tmpdir(), 'triggerlab-pg-'));
  // The server refuses to be run by root.
  const root = process.getuid?.() === 0;
  if (root) {
    const id = (what) => Number(execFileSync('id', [what, 'postgres'], { encoding: 'utf8' }));
    chownSync(directory, id('-u'), id('-g'));
    chmodSync(directory, 0o755);
  }
  const as = (command) =>
    execFileSync(...(root ? ['su', ['postgres', '-s', '/bin/sh', '-c', command]] : ['sh', ['-c', command]]), {
      stdio: 'ignore',
    });
  const data = join(directory, 'data');
  const port = await freePort();
  const control = (verb, options = '') =>
    as(`${bin}/pg_ctl -D ${data} -w -t 120 ${options} -l ${directory}/log ${verb}`);
  const address = `-o '-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='`;
  as(`${bin}/initdb -D ${data} -A trust -U postgres`);
  control('start', address);
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    restart: () => control('restart', `-m immediate ${address}`),
    stop() {
      control('stop', '-m immediate');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
