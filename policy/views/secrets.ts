/** Names that say that their value is a secret; those of files and of references to one do not count. */
const SECRET_NAME =
  /(?:pass(?:word|wd|phrase)?|secret|token|api_?key|access_?key|private_?key|credentials?|conn(?:ection)?_?string|dsn)$/i;
const REFERENCE_NAME = /(?:file|path|dir|name|ref|id|url|uri|enabled|ttl|length|expiry)$/i;

/** Forms of well-known credentials. */
const SECRET_FORMS = [
  /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/,
  /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/,
  /\bgh[pousr]_[A-Za-z0-9]{36,}\b/,
  /\bglpat-[\w-]{20,}/,
  /\bxox[abprs]-[\w-]{10,}/,
  /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/,
  /[a-z][a-z0-9+.-]*:\/\/[^/\s:@]+:[^/\s:@]+@/i,
];

export function isSecretName(name: string): boolean {
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/[-.]/g, "_");
  return SECRET_NAME.test(words) && !REFERENCE_NAME.test(words);
}

export function holdsCredential(text: string): boolean {
  return SECRET_FORMS.some((form) => form.test(text));
}
