import tls from "node:tls";

/**
 * These words are msw's for a TLS session. `fetch` keeps them for its next connection, OpenSSL cannot read them, and its
 * complaint stays in the process until Node reads a private key and takes it for that key's. Connections outlive the test
 * file that made them, so this is never taken back; once in a process is enough.
 */
const MOCKED_SESSION = "mocked session";
const { connect } = tls;

tls.connect = ((options: tls.ConnectionOptions, ...more: []) => {
  const isMocked = options.session?.toString().endsWith(MOCKED_SESSION);
  return connect(isMocked ? { ...options, session: undefined } : options, ...more);
}) as typeof connect;
