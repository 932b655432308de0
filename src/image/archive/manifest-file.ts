import { z } from '../../zod.ts';
import { invalid } from './content.ts';

/** An image as docker's `manifest.json` tells of it; paths are those of the archive. */
export interface DockerImage {
  readonly config: string;
  /** Lowest first. */
  readonly layers: readonly string[];
  /** `debian:bookworm` */
  readonly names: readonly string[];
}

const Shape = z.array(
  z.object({
    Config: z.string().min(1),
    Layers: z.array(z.string()).nullish(),
    RepoTags: z.array(z.string()).nullish(),
  }),
);

/** Source: image-spec v1.2 of docker. @throws {ClocheError} `ARCHIVE_INVALID` */
export function readDockerManifest(bytes: Buffer): DockerImage[] {
  const result = Shape.safeParse(parseJson(bytes));
  if (!result.success) {
    const [issue] = result.error.issues;
    throw invalid(`'manifest.json' is wrong: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  return result.data.map(({ Config, Layers, RepoTags }) => ({
    config: Config,
    layers: Layers ?? [],
    names: RepoTags ?? [],
  }));
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw invalid("'manifest.json' is no JSON");
  }
}
