/* What this process needs before it can serve: streams, signals, limits. One thread. */
#pragma once

#include <stdbool.h>

#include <glib.h>

/* Before anything is opened: standard streams, signals, locale, and what malloc keeps in
 * reserve. With one of the standard streams closed, the next file opened would take its number
 * and its fate. */
void arecfs_process_prepare (void);

/* Raises the limit of descriptors as far as it goes, and checks that there are memory and
 * descriptors for the least mount: else something would fail in the middle, and say something
 * else. Errors: NOMEM, IO. */
bool arecfs_process_check (GError **error);
