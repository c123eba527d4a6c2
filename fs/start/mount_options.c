#include "start/mount_options.h"

#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <string.h>

#include "start/option_table.h"

/* Bytes; libfuse and the kernel take a page of mount options in all. */
#define MAX_FSNAME 1024

/* Whether @text is one of @names, or begins with one that ends in `=` or `-`. */
static bool
is_one_of (const char *const *names, const char *text)
{
    for (; *names; names++) {
        size_t length = strlen (*names);
        char last = (*names)[length - 1];

        if (strcmp (*names, text) == 0 ||
            ((last == '=' || last == '-') && strncmp (*names, text, length) == 0)) {
            return true;
        }
    }
    return false;
}

/* Of fstab and mount (8), for other programs than the server. */
static bool
is_for_others (const char *text)
{
    static const char *const names[] = {
        "defaults", "auto",     "noauto",   "user",  "user=",   "nouser", "users",
        "nousers",  "owner",    "noowner",  "group", "nogroup", "nofail", "_netdev",
        "_rnetdev", "uhelper=", "comment=", "x-",    "X-",      NULL};

    return is_one_of (names, text);
}

/* Options without effect where nothing is ever written: times of access, options of FUSE's
 * second version and of mounts of disks, and those that /proc/mounts shows for each mount,
 * which mount (8) passes on with `remount`. */
static bool
is_without_effect (const char *text)
{
    static const char *const names[] = {
        "atime",       "noatime",       "diratime", "nodiratime", "relatime",  "norelatime",
        "strictatime", "nostrictatime", "lazytime", "nolazytime", "iversion",  "noiversion",
        "silent",      "loud",          "nonempty", "user_id=",   "group_id=", NULL};

    return is_one_of (names, text);
}

/* What libfuse and the kernel understand as it is. */
static bool
is_for_kernel (const char *text)
{
    static const char *const names[] = {"nosuid",
                                        "suid",
                                        "nodev",
                                        "dev",
                                        "noexec",
                                        "exec",
                                        "sync",
                                        "async",
                                        "dirsync",
                                        "auto_unmount",
                                        "default_permissions",
                                        "context=",
                                        "fscontext=",
                                        "defcontext=",
                                        "rootcontext=",
                                        NULL};

    return is_one_of (names, text);
}

/* Numbers and names are two things: a user may be named `1000`, but none is meant by that. */
static bool
parse_owner (const char *name, const char *value, const char *kind,
             bool (*find) (const char *value, uint32_t *id), uint32_t *id, GError **error)
{
    uint64_t number;

    if (g_ascii_isdigit (value[0])) {
        if (!arecfs_option_parse_unsigned (name, value, 10, UINT32_MAX - 1, &number, error)) {
            return false;
        }
        *id = (uint32_t)number;
        return true;
    }
    return find (value, id) ||
           arec_fail (error, AREC_ERROR_INVALID,
                      "option %s: '%s' is neither a number from 0 to %" PRIu32 " nor a %s here",
                      name, value, UINT32_MAX - 1, kind);
}

static bool
find_user (const char *name, uint32_t *id)
{
    const struct passwd *user = getpwnam (name);

    if (user) {
        *id = user->pw_uid;
    }
    return user != NULL;
}

static bool
find_group (const char *name, uint32_t *id)
{
    const struct group *group = getgrnam (name);

    if (group) {
        *id = group->gr_gid;
    }
    return group != NULL;
}

static bool
parse_mask (const char *name, const char *value, bool *has, mode_t *mask, GError **error)
{
    uint64_t number;

    if (!arecfs_option_parse_unsigned (name, value, 8, 0777, &number, error)) {
        return false;
    }
    *has = true;
    *mask = (mode_t)number;
    return true;
}

typedef enum {
    VALUE_FSNAME,
    VALUE_UID,
    VALUE_GID,
    VALUE_UMASK,
    VALUE_FMASK,
    VALUE_DMASK,
    VALUE_MAX_READ,
} ValueId;

static bool
set_value (ArecfsOptions *options, ValueId id, const char *name, const char *value,
           GError **error)
{
    uint64_t number;

    switch (id) {
    case VALUE_FSNAME:
        if (*value == '\0' || strlen (value) > MAX_FSNAME) {
            return arec_fail (error, AREC_ERROR_INVALID,
                              "option fsname: expected a name of 1 to %d bytes", MAX_FSNAME);
        }
        g_free (options->fsname);
        options->fsname = g_strdup (value);
        return true;
    case VALUE_UID:
        options->ownership.has_uid =
            parse_owner (name, value, "user", find_user, &options->ownership.uid, error);
        return options->ownership.has_uid;
    case VALUE_GID:
        options->ownership.has_gid =
            parse_owner (name, value, "group", find_group, &options->ownership.gid, error);
        return options->ownership.has_gid;
    case VALUE_UMASK:
        return parse_mask (name, value, &options->ownership.has_umask,
                           &options->ownership.umask, error);
    case VALUE_FMASK:
        return parse_mask (name, value, &options->ownership.has_fmask,
                           &options->ownership.fmask, error);
    case VALUE_DMASK:
        return parse_mask (name, value, &options->ownership.has_dmask,
                           &options->ownership.dmask, error);
    case VALUE_MAX_READ:
        if (!arecfs_option_parse_unsigned (name, value, 10, UINT32_MAX, &number, error)) {
            return false;
        }
        options->max_read = (unsigned)number;
        return true;
    }
    g_assert_not_reached();
}

/* Mount options of ours that have a value. */
static bool
find_value (const char *name, ValueId *id)
{
    static const struct {
        const char *name;
        ValueId id;
    } values[] = {{"fsname", VALUE_FSNAME},    {"uid", VALUE_UID},     {"gid", VALUE_GID},
                  {"umask", VALUE_UMASK},      {"fmask", VALUE_FMASK}, {"dmask", VALUE_DMASK},
                  {"max_read", VALUE_MAX_READ}};

    for (size_t i = 0; i < G_N_ELEMENTS (values); i++) {
        if (strcmp (name, values[i].name) == 0) {
            *id = values[i].id;
            return true;
        }
    }
    return false;
}

/* Mount options of ours that have none. */
static bool
set_flag (ArecfsOptions *options, const char *text)
{
    if (strcmp (text, "ro") == 0 || strcmp (text, "rw") == 0) {
        options->asked_rw = strcmp (text, "rw") == 0;
    } else if (strcmp (text, "allow_other") == 0) {
        options->allow_other = true;
    } else if (strcmp (text, "remount") == 0) {
        options->remount = true;
    } else {
        return false;
    }
    return true;
}

static bool
set_mount_option (ArecfsOptions *options, const char *text, GError **error)
{
    const char *equals = strchr (text, '=');
    g_autofree char *name =
        equals ? g_strndup (text, (size_t)(equals - text)) : g_strdup (text);
    const char *value = equals ? equals + 1 : NULL;
    const ArecfsOption *option = arecfs_option_find (name);
    ValueId id;

    if (option) {
        if (!value != !option->value) {
            return arec_fail (error, AREC_ERROR_INVALID, "option %s %s", name,
                              option->value ? "needs a value" : "takes no value");
        }
        return arecfs_option_set (option, options, value, error);
    }
    if (find_value (name, &id)) {
        return value ? set_value (options, id, name, value, error)
                     : arec_fail (error, AREC_ERROR_INVALID, "option %s needs a value", name);
    }
    if (set_flag (options, text)) {
        return true;
    }
    if (is_for_kernel (text)) {
        if (value && *value == '\0') {
            return arec_fail (error, AREC_ERROR_INVALID, "option %s needs a value", name);
        }
        g_ptr_array_add (options->mount_options, g_strdup (text));
        return true;
    }
    return is_without_effect (text) || is_for_others (text) ||
           arec_fail (error, AREC_ERROR_INVALID, "unknown mount option '%s'", text);
}

bool
arecfs_mount_options_set (ArecfsOptions *options, const char *list, GError **error)
{
    g_autoptr (GString) one = g_string_new (NULL);

    for (const char *at = list;; at++) {
        if (at[0] == '\\' && at[1] != '\0') {
            g_string_append_c (one, *++at);
        } else if (*at != ',' && *at != '\0') {
            g_string_append_c (one, *at);
        } else {
            if (one->len > 0 && !set_mount_option (options, one->str, error)) {
                return false;
            }
            g_string_truncate (one, 0);
            if (*at == '\0') {
                return true;
            }
        }
    }
}
