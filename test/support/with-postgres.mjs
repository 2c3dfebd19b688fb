// Runs a command with TRIGGERLAB_TEST_POSTGRES naming a PostgreSQL server of its own. node test/support/with-postgres.mjs COMMAND…
import { spawnSync } from 'node:child_process';
import { privatePostgres } from './private-postgres.mjs';

const [command, ...args] = process.argv.slice(2);
const server = await privatePostgres();
try {
  const env = { ...process.env, TRIGGERLAB_TEST_POSTGRES: server.url };
  process.exitCode = spawnSync(command, args, { stdio: 'inherit', env }).status ?? 1;
} finally {
  server.stop();
}
