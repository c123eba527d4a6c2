#include "remote/aws_config.h"

#include "remote/credential_file.h"

/* In the order in which AWS's tools name them. */
static const struct {
    ArecAwsFile file;
    const char *variable, *name;
} files[] = {
    {AREC_AWS_CREDENTIALS, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"},
    {AREC_AWS_CONFIG, "AWS_CONFIG_FILE", ".aws/config"},
};

/* Returns (transfer full). `~/` of a variable is the user's, too. */
static char *
path_of (const ArecEnvironment *environment, size_t i)
{
    const char *path = arec_environment_get (environment, files[i].variable);
    const char *home = arec_environment_home (environment);

    if (!path) {
        return g_build_filename (home, files[i].name, NULL);
    }
    return g_str_has_prefix (path, "~/") ? g_build_filename (home, path + 2, NULL)
                                         : arec_environment_path (environment, path);
}

static bool
read_file (ArecAwsConfig *config, ArecAwsFile file, const char *path, GString *places,
           GError **error)
{
    g_auto (ArecSecrets) text = {0};
    size_t size;
    ArecCredentialFound found = arec_credential_file_read (path, &text, &size, error);

    g_string_append_printf (places, "%s%s%s", places->len > 0 ? ", " : "", path,
                            found == AREC_CREDENTIAL_ABSENT ? " (no such file)" : "");
    return found == AREC_CREDENTIAL_ABSENT ||
           (found == AREC_CREDENTIAL_PRESENT &&
            arec_aws_profiles_add (config->profiles, file, path, text.memory, size, error));
}

bool
arec_aws_config_read (const ArecEnvironment *environment, ArecAwsConfig *out, GError **error)
{
    ArecAwsConfig config = {.profiles = arec_aws_profiles_new()};
    GString *places = g_string_new (NULL);
    bool ok = true;

    for (size_t i = 0; ok && i < G_N_ELEMENTS (files); i++) {
        g_autofree char *path = path_of (environment, i);

        ok = read_file (&config, files[i].file, path, places, error);
    }
    config.places = g_string_free (places, FALSE);
    if (ok) {
        *out = config;
    } else {
        arec_aws_config_clear (&config);
    }
    return ok;
}

void
arec_aws_config_clear (ArecAwsConfig *config)
{
    arec_aws_profiles_free (config->profiles);
    g_free (config->places);
    *config = (ArecAwsConfig){0};
}

const char *
arec_aws_config_profile (const ArecEnvironment *environment, const char *option, bool *is_named)
{
    const char *name = option ? option : arec_environment_get (environment, "AWS_PROFILE");

    *is_named = name != NULL;
    return name ? name : "default";
}
