/** Who we are at one registry. */
export type Credentials =
  | { readonly username: string; readonly password: string }
  /** A refresh token, what docker calls an identity token. */
  | { readonly identityToken: string };

/** `Basic …` of RFC 7617. An identity token is a password for token servers only. */
export function basic(credentials: Credentials): string | undefined {
  if ('identityToken' in credentials) return undefined;
  const { username, password } = credentials;
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
