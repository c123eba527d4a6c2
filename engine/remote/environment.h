/* The environment of a process as an argument, so that tests bring their own. Any thread, as
 * long as nobody changes it.
 */
#pragma once

typedef struct {
    /* The value of @name, or NULL. NULL: that of this process is asked. */
    const char *(*get) (const char *name, void *data);
    void *data;
} ArecEnvironment;

/* NULL if it is not set, or empty: AWS's tools make no difference. */
const char *arec_environment_get (const ArecEnvironment *environment, const char *name);

/* `HOME`, else what the system says of the user. */
const char *arec_environment_home (const ArecEnvironment *environment);
