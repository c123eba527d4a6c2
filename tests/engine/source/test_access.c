#include "source/access.h"

#include <stdbool.h>
#include <string.h>

#include <glib.h>

enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };
enum { ALLOW, DENY };

typedef struct {
    unsigned tag, rights;
} Entry;

static void
put (GByteArray *list, uint32_t value, unsigned n_bytes, bool big)
{
    for (unsigned i = 0; i < n_bytes; i++) {
        uint8_t byte = (uint8_t)(value >> 8 * (big ? n_bytes - 1 - i : i));

        g_byte_array_append (list, &byte, 1);
    }
}

/* ---- POSIX ---- */

typedef struct {
    const char *name;
    mode_t mode;
    Entry entries[7]; /* ends with tag 0 */
    mode_t left;
} PosixCase;

static const PosixCase posix_cases[] = {
    {"plain", 0640, {{USER_OBJ, 6}, {GROUP_OBJ, 4}, {OTHER, 0}}, 0640},
    /* The mode's group bits are the mask: the group itself has nothing. */
    {"mask", 0640, {{USER_OBJ, 6}, {USER, 4}, {GROUP_OBJ, 0}, {MASK, 4}, {OTHER, 0}}, 0600},
    {"narrow-mask",
     0600,
     {{USER_OBJ, 6}, {USER, 6}, {GROUP_OBJ, 6}, {MASK, 0}, {OTHER, 4}},
     0600},
    /* The named user is one of the others, or in the group. */
    {"denied-user",
     0644,
     {{USER_OBJ, 6}, {USER, 0}, {GROUP_OBJ, 4}, {MASK, 4}, {OTHER, 4}},
     0600},
    /* A user in a named group and in the owning one has the rights of either. */
    {"denied-group",
     0644,
     {{USER_OBJ, 6}, {GROUP, 0}, {GROUP_OBJ, 4}, {MASK, 4}, {OTHER, 4}},
     0640},
    {"allowed-user",
     0644,
     {{USER_OBJ, 6}, {USER, 4}, {GROUP_OBJ, 4}, {MASK, 4}, {OTHER, 4}},
     0644},
    {"unknown-tag", 0644, {{USER_OBJ, 6}, {64, 4}}, 0600},
};

static void
test_posix (const void *data)
{
    const PosixCase *one = data;
    g_autoptr (GByteArray) list = g_byte_array_new();

    put (list, 2, 4, false);
    for (const Entry *entry = one->entries; entry->tag; entry++) {
        put (list, entry->tag, 2, false);
        put (list, entry->rights, 2, false);
        put (list, 1000, 4, false);
    }
    g_assert_cmpuint (arec_access_by_posix_acl (one->mode, list->data, list->len), ==,
                      one->left);
    /* An ACL that is cut off grants no right. */
    g_assert_cmpuint (arec_access_by_posix_acl (one->mode, list->data, list->len - 1), ==,
                      one->mode & 0700);
}

/* ---- NFSv4 ---- */

typedef struct {
    uint32_t type, rights;
    const char *who;
} Nfs4Entry;

typedef struct {
    const char *name;
    mode_t mode;
    Nfs4Entry entries[5]; /* ends with who NULL */
    mode_t left;
} Nfs4Case;

static const Nfs4Case nfs4_cases[] = {
    {"everyone", 0644, {{ALLOW, 1, "OWNER@"}, {ALLOW, 1, "EVERYONE@"}}, 0644},
    {"group-alone", 0644, {{ALLOW, 1, "GROUP@"}}, 0640},
    {"first-decides", 0644, {{DENY, 1, "GROUP@"}, {ALLOW, 1, "EVERYONE@"}}, 0604},
    {"denied-user", 0644, {{DENY, 1, "ann@x"}, {ALLOW, 1, "EVERYONE@"}}, 0600},
    {"allowed-user", 0644, {{ALLOW, 1, "ann@x"}, {ALLOW, 1, "EVERYONE@"}}, 0644},
};

static void
test_nfs4 (const void *data)
{
    const Nfs4Case *one = data;
    g_autoptr (GByteArray) list = g_byte_array_new();
    uint32_t n = 0;

    while (one->entries[n].who) {
        n++;
    }
    put (list, n, 4, true);
    for (const Nfs4Entry *entry = one->entries; entry->who; entry++) {
        size_t length = strlen (entry->who);

        put (list, entry->type, 4, true);
        put (list, 0, 4, true);
        put (list, entry->rights, 4, true);
        put (list, (uint32_t)length, 4, true);
        g_byte_array_append (list, (const uint8_t *)entry->who, (guint)length);
        put (list, 0, (unsigned)(-length & 3), true);
    }
    g_assert_cmpuint (arec_access_by_nfs4_acl (one->mode, list->data, list->len), ==,
                      one->left);
    g_assert_cmpuint (arec_access_by_nfs4_acl (one->mode, list->data, list->len - 4), ==,
                      one->mode & 0700);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS (posix_cases); i++) {
        g_autofree char *path = g_strconcat ("/access/posix/", posix_cases[i].name, NULL);

        g_test_add_data_func (path, &posix_cases[i], test_posix);
    }
    for (size_t i = 0; i < G_N_ELEMENTS (nfs4_cases); i++) {
        g_autofree char *path = g_strconcat ("/access/nfs4/", nfs4_cases[i].name, NULL);

        g_test_add_data_func (path, &nfs4_cases[i], test_nfs4);
    }
    return g_test_run();
}
