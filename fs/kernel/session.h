/* Serving: the threads that take requests, and the order of the end. */
#pragma once

#include <stdbool.h>

#include "serve/server.h"

/* Serves until unmounted or told to end by a signal; then unmounts. server->session is open.
 * Returns whether that went well. Starts threads, and sets what of @server they use before. */
bool arecfs_session_run (ArecfsServer *server);
