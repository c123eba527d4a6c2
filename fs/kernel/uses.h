/* Whether a mount was used, as far as a user without privileges can see: by its requests,
 * and by opens in directories whose records may be in the page cache. One thread. */
#pragma once

#include <stdbool.h>

#include "serve/server.h"

typedef struct ArecfsUses ArecfsUses;

/* NULL with errno set. */
ArecfsUses *arecfs_uses_new (ArecfsServer *server);
void arecfs_uses_free (ArecfsUses *uses); /* takes NULL */

/* Watches the mount at @path from now on. false with errno set: some of it cannot be watched.
 * Looks up directories, which the threads that serve requests must answer. */
bool arecfs_uses_watch (ArecfsUses *uses, const char *path);

/* Whether it was used since then. */
bool arecfs_uses_seen (ArecfsUses *uses);
