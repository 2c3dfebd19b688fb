// Zip archives made by hand, so that tests can damage them.
import { crc32, deflateRawSync } from 'node:zlib';

export type Files = Readonly<Record<string, string | Buffer>>;

/** A zip archive of files, stored as they are or deflated. */
export function zipOf(content: Files, method: 'stored' | 'deflated' = 'stored'): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, value] of Object.entries(content)) {
    const [path, data] = [Buffer.from(name), Buffer.from(value)];
    const packed = method === 'stored' ? data : deflateRawSync(data);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(method === 'stored' ? 0 : 8, 4);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(path.length, 22);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    const header = Buffer.concat([Buffer.from('PK\x03\x04'), common, path, packed]);
    central.push(Buffer.from('PK\x01\x02\x14\x00'), common, tail, path);
    local.push(header);
    offset += header.length;
  }
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(Object.keys(content).length, 8);
  end.writeUInt16LE(Object.keys(content).length, 10);
  end.writeUInt32LE(Buffer.concat(central).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, ...central, end]);
}
