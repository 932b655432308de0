import { z } from 'zod';

/** A schema of ours checks one thing once: what zod compiles for all that come after it would never be used. */
z.config({ jitless: true });

export { z };
