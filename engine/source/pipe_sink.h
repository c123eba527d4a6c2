/* A sink straight into a descriptor: a pipe, a device, standard output.
 *
 * Nothing is seeked or synced. What is written can be seen at once and stays, also without a
 * commit, which writes the rest. All failures are IO, but for NOMEM.
 */
#pragma once

#include "source/sink.h"

/* @fd  (transfer full), also on failure. */
ArecSink *arec_pipe_sink_new (int fd, const char *name, GError **error);
