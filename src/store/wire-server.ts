// Lets other processes of this machine use the embedded database through PostgreSQL's wire protocol while its owner
// holds it. Each client has the database to itself from the first message of a batch until the server says "ready, no
// transaction open", so batches and transactions of clients and owner never mix.
import { timingSafeEqual } from 'node:crypto';
import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import type { EmbeddedDatabase } from './pglite.ts';

const SSL_REQUEST = 80877103;
const GSS_REQUEST = 80877104;
const CANCEL_REQUEST = 80877102;
const SYNC = Uint8Array.of(0x53, 0, 0, 0, 4);
const ROLLBACK = new TextEncoder().encode('Q\0\0\0\rROLLBACK\0');
const ASK_PASSWORD = Uint8Array.of(0x52, 0, 0, 0, 8, 0, 0, 0, 3);

export interface WireServerOptions {
  /** Asked of every client as its password; none over a socket file that only this user can reach. */
  readonly token?: string;
  /** A client that keeps the database to itself for so long without saying anything is cut off. Default 10 s. */
  readonly holdMs?: number;
}

export interface WireServer {
  /** The port when listening on TCP. */
  readonly port: number | undefined;
  /** Stops listening, gives statements at work a second to end, then cuts clients off and undoes their transactions. */
  close(): Promise<void>;
}

/** Serves `database` on a socket file or a local port. */
export async function serveDatabase(
  database: EmbeddedDatabase,
  listen: ListenOptions,
  options: WireServerOptions = {},
): Promise<WireServer> {
  const clients = new Set<Client>();
  const server: Server = createServer((socket) => {
    const client = new Client(database, socket, options);
    clients.add(client);
    void client.gone.then(() => clients.delete(client));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen, resolve);
  });
  server.on('error', () => undefined);
  // The owner must be able to end without closing: its work, not its clients, keeps it alive.
  server.unref();
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : undefined,
    async close() {
      server.close();
      const deadline = Date.now() + 1000;
      while ([...clients].some((client) => client.busy) && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await Promise.all([...clients].map((client) => client.cutOff()));
    },
  };
}

class Client {
  /** Resolves when the connection is gone and nothing of it is left in the database. */
  readonly gone: Promise<void>;
  readonly #database: EmbeddedDatabase;
  readonly #socket: Socket;
  readonly #token: string | undefined;
  readonly #holdMs: number;
  #received: Buffer = Buffer.alloc(0);
  #startup: Uint8Array | undefined;
  #admitted = false;
  /** Gives the database back; defined while this client has it. */
  #release: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Pieces of messages received so far. */
  #heard = 0;
  #chain: Promise<void> = Promise.resolve();

  constructor(database: EmbeddedDatabase, socket: Socket, options: WireServerOptions) {
    this.#database = database;
    this.#socket = socket;
    this.#token = options.token;
    this.#holdMs = options.holdMs ?? 10_000;
    socket.setNoDelay(true);
    socket.unref();
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      this.#heard++;
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#chain = this.#chain.then(() => this.#answerAll()).catch(() => void socket.destroy());
    });
    this.gone = new Promise((resolve) => {
      socket.on('close', () => {
        this.#chain = this.#chain.then(() => this.#leave()).catch(() => undefined);
        void this.#chain.then(resolve);
      });
    });
  }

  get busy(): boolean {
    return this.#release !== undefined;
  }

  async cutOff(): Promise<void> {
    this.#socket.destroy();
    await this.gone;
  }

  async #answerAll(): Promise<void> {
    for (let message = this.#next(); message && !this.#socket.destroyed; message = this.#next()) {
      await (this.#admitted ? this.#answer(message) : this.#admit(message));
    }
  }

  /** Takes the next whole message off what was received; before the client is let in they have no type byte. */
  #next(): Buffer | undefined {
    const typed = this.#startup !== undefined;
    const header = typed ? 5 : 4;
    if (this.#received.length < header) return undefined;
    const length = typed ? 1 + this.#received.readUInt32BE(1) : this.#received.readUInt32BE(0);
    if (length < header || (!typed && (length < 8 || length > 10_000))) {
      this.#socket.destroy();
      return undefined;
    }
    if (this.#received.length < length) return undefined;
    const message = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return message;
  }

  async #admit(message: Buffer): Promise<void> {
    if (this.#startup === undefined) {
      const code = message.readInt32BE(4);
      if (code === SSL_REQUEST || code === GSS_REQUEST) this.#socket.write('N');
      else if (code === CANCEL_REQUEST) this.#socket.end();
      else {
        this.#startup = Uint8Array.from(message);
        if (this.#token === undefined) await this.#letIn();
        else this.#socket.write(ASK_PASSWORD);
      }
      return;
    }
    const expected = Buffer.from(this.#token ?? '');
    const given = message.subarray(5, -1);
    if (message[0] !== 0x70 || given.length !== expected.length || !timingSafeEqual(given, expected)) {
      this.#socket.destroy();
      return;
    }
    await this.#letIn();
  }

  async #letIn(): Promise<void> {
    const startup = this.#startup ?? new Uint8Array();
    this.#admitted = true;
    this.#socket.write(await this.#database.exclusive(() => this.#database.message(startup)));
  }

  async #answer(message: Buffer): Promise<void> {
    if (message[0] === 0x58) {
      this.#socket.end();
      return;
    }
    if (!this.#release) await this.#take();
    if (this.#socket.destroyed) return;
    this.#stopWaiting();
    const answer = await this.#database.message(Uint8Array.from(message));
    if (isReadyOutsideTransaction(answer)) this.#giveBack();
    else this.#awaitMore();
    this.#socket.write(answer);
  }

  /** Cuts the client off when nothing more of its batch or transaction comes in time. */
  #awaitMore(): void {
    const heard = this.#heard;
    const timer = setTimeout(() => {
      // A busy owner may be late in reading what came in time: once more around its loop, it has been read.
      setImmediate(() => {
        if (timer !== this.#timer) return;
        if (heard === this.#heard) this.#socket.destroy();
        else this.#awaitMore();
      });
    }, this.#holdMs).unref();
    this.#timer = timer;
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #take(): Promise<void> {
    return new Promise((taken, failed) => {
      this.#database
        .exclusive(
          () =>
            new Promise<void>((release) => {
              this.#release = release;
              taken();
            }),
        )
        .catch(failed);
    });
  }

  #giveBack(): void {
    this.#stopWaiting();
    this.#release?.();
    this.#release = undefined;
  }

  /** Ends a batch or transaction that the client left open. */
  async #leave(): Promise<void> {
    if (!this.#release) return;
    try {
      await this.#database.message(SYNC);
      if (this.#database.inTransaction()) await this.#database.message(ROLLBACK);
    } finally {
      this.#giveBack();
    }
  }
}

/** Whether an answer ends in ReadyForQuery with status `I` (idle); no other message can end in these bytes. */
function isReadyOutsideTransaction(answer: Uint8Array): boolean {
  const tail = answer.subarray(-6);
  return tail.length === 6 && tail[0] === 0x5a && tail[4] === 5 && tail[5] === 0x49;
}
