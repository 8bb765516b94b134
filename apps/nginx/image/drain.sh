#!/bin/sh
# preStop hook: answers from now on close their connections (nginx.conf, @drain). Endpoints of the
# Service are withdrawn at the same time; 4 s are enough for both to reach every client.
: > /tmp/drain
sleep 4
