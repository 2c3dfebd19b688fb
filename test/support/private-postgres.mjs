// A PostgreSQL server of a test's own: in a temporary directory, on the loopback address, gone afterwards.
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.mjs';

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

/**
 * Starts a server on `address` for the clients of `network` (loopback unless given): its URL, an immediate halt (as in a power cut),
 * its start after that, both at once, and its end. @throws Error without PostgreSQL.
 */
export async function privatePostgres({ address = '127.0.0.1', network = '127.0.0.1/32' } = {}) {
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
  const options = `-o '-p ${port} -c listen_addresses=${address} -c unix_socket_directories='`;
  as(`${bin}/initdb -D ${data} -A trust -U postgres`);
  as(`echo 'host all all ${network} trust' >> ${data}/pg_hba.conf`);
  control('start', options);
  return {
    url: `postgres://postgres@${address}:${port}/postgres`,
    halt: () => control('stop', '-m immediate'),
    start: () => control('start', options),
    restart: () => control('restart', `-m immediate ${options}`),
    stop() {
      control('stop', '-m immediate');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
