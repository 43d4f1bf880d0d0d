// A certified OpenID provider with the accounts and the client that tests need.
// Arguments: port, file with its keys (JWKS), redirect URI of the client.
// Whoever signs in as NAME is that user, with NAME@example.com; one whose name begins with
// "unverified" has an address that was never verified.
import { readFileSync } from 'node:fs';
import { Provider } from 'oidc-provider';

const [port, keys, redirectUri] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  jwks: JSON.parse(readFileSync(keys, 'utf8')),
  clients: [{
    client_id: 'edgewise',
    client_secret: 'a secret between the provider and edgewise',
    redirect_uris: [redirectUri],
    response_types: ['code'],
    grant_types: ['authorization_code'],
  }],
  pkce: { required: () => true },
  cookies: { keys: ['tests'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  conformIdTokenClaims: false,
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      name: `The user ${id}`,
      email: `${id}@example.com`,
      email_verified: !id.startsWith('unverified'),
    }),
  }),
});
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
