/* The environment of a process as an argument, so that tests bring their own: its variables and
 * its working directory. Any thread, as long as nobody changes it.
 */
#pragma once

#include <stdint.h>

typedef struct {
    /* The value of @name, or NULL. NULL: that of this process is asked. */
    const char *(*get) (const char *name, void *data);
    void *data;
    /* Where relative paths begin; NULL: at the working directory, which a daemon leaves. */
    const char *directory;
} ArecEnvironment;

/* NULL if it is not set, or empty: AWS's tools make no difference. */
const char *arec_environment_get (const ArecEnvironment *environment, const char *name);

/* A number of seconds, in microseconds; @otherwise, if there is none in (0, 60]. */
int64_t arec_environment_seconds (const ArecEnvironment *environment, const char *name,
                                  int64_t otherwise);

/* @path, absolute. Returns (transfer full). */
char *arec_environment_path (const ArecEnvironment *environment, const char *path);

/* `HOME`, else what the system says of the user. */
const char *arec_environment_home (const ArecEnvironment *environment);
