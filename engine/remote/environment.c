#include "remote/environment.h"

#include <stdlib.h>

#include <glib.h>

const char *
arec_environment_get (const ArecEnvironment *environment, const char *name)
{
    const char *value =
        environment->get ? environment->get (name, environment->data) : getenv (name);

    return value && *value ? value : NULL;
}

const char *
arec_environment_home (const ArecEnvironment *environment)
{
    const char *home = arec_environment_get (environment, "HOME");

    return home ? home : g_get_home_dir();
}
