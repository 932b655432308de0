import type { Volume } from '../../engine/volumes/index.ts';

/** A volume as docker's `volume inspect` shows it; there is one driver. */
export function volumeShape({ name, path, created }: Volume) {
  return {
    CreatedAt: created.toISOString(),
    Driver: 'local',
    Mountpoint: path,
    Name: name,
    Scope: 'local',
  };
}
