#!/bin/sh
# A restarted container finds its pod's /tmp as the one before left it: without this it would go on
# draining for ever.
rm -f /tmp/drain
# Until its configuration is read, nginx logs to a file, which it could not open here.
exec nginx -e stderr "$@"
