// The parameter that names a picture: a path in a spec, a path and a hash of the content once it is checked.
import { z } from 'zod';
import { TriggerlabError } from '../core/errors.ts';
import { pictureReference } from '../data/picture.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/**
 * Takes a path, or what it has made of one before. The file must be there; whether it is a picture is found out where the trigger
 * is made, which for the pictures of a spec is done before anything else (spec/references.ts).
 */
export const pictureField = z
  .union([z.string().min(1).max(4096), z.strictObject({ path: z.string(), sha256 })])
  .transform((given, context) => {
    if (typeof given !== 'string') return given;
    try {
      return pictureReference(given);
    } catch (error) {
      if (!(error instanceof TriggerlabError)) throw error;
      context.addIssue({ code: 'custom', message: error.message, params: { hint: error.hint } });
      return z.NEVER;
    }
  });
