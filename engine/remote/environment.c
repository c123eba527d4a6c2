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

int64_t
arec_environment_seconds (const ArecEnvironment *environment, const char *name,
                          int64_t otherwise)
{
    const char *text = arec_environment_get (environment, name);
    const double seconds = text ? g_ascii_strtod (text, NULL) : 0;

    return seconds > 0 && seconds <= 60 ? (int64_t)(seconds * G_USEC_PER_SEC) : otherwise;
}

char *
arec_environment_path (const ArecEnvironment *environment, const char *path)
{
    return g_canonicalize_filename (path, environment->directory);
}

const char *
arec_environment_home (const ArecEnvironment *environment)
{
    const char *home = arec_environment_get (environment, "HOME");

    return home ? home : g_get_home_dir();
}
