#include "mount/mount_table.h"

#include <stdlib.h>
#include <string.h>

struct ArecfsMountTable {
    GArray *entries; /* of ArecfsMountEntry, as the kernel lists them */
    uint64_t root;
};

/* ---- reading ---- */

/* `\040` and the like, in place. */
static char *
unescape (char *text)
{
    char *to = text;

    for (const char *at = text; *at; to++) {
        if (at[0] == '\\' && g_ascii_isdigit (at[1]) && g_ascii_isdigit (at[2]) &&
            g_ascii_isdigit (at[3])) {
            *to = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
            at += 4;
        } else {
            *to = *at++;
        }
    }
    *to = '\0';
    return text;
}

/* ID PARENT MAJOR:MINOR ROOT PATH OPTIONS [TAG]... - TYPE SOURCE OPTIONS */
static bool
parse_line (const char *line, ArecfsMountEntry *entry)
{
    g_auto (GStrv) fields = g_strsplit (line, " ", -1);
    guint n = g_strv_length (fields), dash = 6;
    char *colon;

    while (dash < n && strcmp (fields[dash], "-") != 0) {
        dash++;
    }
    if (dash + 3 >= n) {
        return false;
    }
    *entry = (ArecfsMountEntry){.parent = strtoull (fields[1], NULL, 10)};
    entry->id.id = strtoull (fields[0], NULL, 10);
    entry->id.major = (unsigned)strtoul (fields[2], &colon, 10);
    entry->id.minor = *colon == ':' ? (unsigned)strtoul (colon + 1, NULL, 10) : 0;
    entry->path = g_strdup (unescape (fields[4]));
    entry->type = g_strdup (unescape (fields[dash + 1]));
    entry->options = g_strdup (fields[dash + 3]);
    return true;
}

static void
clear_entry (void *data)
{
    ArecfsMountEntry *entry = data;

    g_free (entry->path);
    g_free (entry->type);
    g_free (entry->options);
}

ArecfsMountTable *
arecfs_mount_table_parse (const char *text, uint64_t root)
{
    g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
    ArecfsMountTable *table = g_new (ArecfsMountTable, 1);

    table->root = root;
    table->entries = g_array_new (FALSE, FALSE, sizeof (ArecfsMountEntry));
    g_array_set_clear_func (table->entries, clear_entry);
    for (char **line = lines; *line; line++) {
        ArecfsMountEntry entry;

        if (parse_line (*line, &entry)) {
            g_array_append_val (table->entries, entry);
        }
    }
    return table;
}

ArecfsMountTable *
arecfs_mount_table_read (void)
{
    g_autofree char *text = NULL;
    ArecfsMountId root;

    if (!arecfs_mount_id_get ("/", &root) ||
        !g_file_get_contents ("/proc/self/mountinfo", &text, NULL, NULL)) {
        return NULL;
    }
    return arecfs_mount_table_parse (text, root.id);
}

void
arecfs_mount_table_free (ArecfsMountTable *table)
{
    if (!table) {
        return;
    }
    g_array_unref (table->entries);
    g_free (table);
}

/* ---- asking ---- */

static const ArecfsMountEntry *
entry_at (const ArecfsMountTable *table, guint i)
{
    return &g_array_index (table->entries, ArecfsMountEntry, i);
}

const ArecfsMountEntry *
arecfs_mount_table_get (const ArecfsMountTable *table, const ArecfsMountId *id)
{
    for (guint i = 0; i < table->entries->len; i++) {
        if (arecfs_mount_id_equal (&entry_at (table, i)->id, id)) {
            return entry_at (table, i);
        }
    }
    return NULL;
}

const ArecfsMountEntry *
arecfs_mount_table_of_minor (const ArecfsMountTable *table, unsigned minor)
{
    for (guint i = 0; i < table->entries->len; i++) {
        if (entry_at (table, i)->id.major == 0 && entry_at (table, i)->id.minor == minor) {
            return entry_at (table, i);
        }
    }
    return NULL;
}

/* What is mounted on mount @parent at the first @length bytes of @path. */
static const ArecfsMountEntry *
child_of (const ArecfsMountTable *table, uint64_t parent, const char *path, size_t length)
{
    for (guint i = 0; i < table->entries->len; i++) {
        const ArecfsMountEntry *entry = entry_at (table, i);

        if (entry->parent == parent && entry->id.id != parent &&
            strncmp (entry->path, path, length) == 0 && entry->path[length] == '\0') {
            return entry;
        }
    }
    return NULL;
}

/* As the kernel goes: from directory to directory, and at each up to what lies on top.
 *
 *     /            mount 1
 *     /a           mount 1; 2 is mounted on 1 here, 5 on 2: go on in 5
 *     /a/mnt       7 is mounted on 2 here: out of sight; 5 has no mount here
 */
const ArecfsMountEntry *
arecfs_mount_table_top (const ArecfsMountTable *table, const char *path)
{
    const ArecfsMountEntry *top = NULL;
    uint64_t current = table->root;
    size_t length = 1;

    for (;;) {
        const ArecfsMountEntry *child;

        /* Each has another one as its parent, so that they cannot go round for ever. */
        for (guint n = 0; n < table->entries->len &&
                          (child = child_of (table, current, path, length)) != NULL;
             n++) {
            top = child;
            current = child->id.id;
        }
        if (path[length] == '\0') {
            return top;
        }
        length = length == 1 ? 1 : length + 1;
        length += strcspn (path + length, "/");
    }
}

const ArecfsMountEntry *
arecfs_mount_table_at (const ArecfsMountTable *table, const char *path)
{
    const ArecfsMountEntry *top = arecfs_mount_table_top (table, path);

    return top && strcmp (top->path, path) == 0 ? top : NULL;
}

bool
arecfs_mount_entry_is_ours (const ArecfsMountEntry *entry)
{
    return strcmp (entry->type, "fuse.arecfs") == 0;
}

bool
arecfs_mount_entry_has (const ArecfsMountEntry *entry, const char *option)
{
    g_auto (GStrv) options = g_strsplit (entry->options, ",", -1);

    return g_strv_contains ((const char *const *)options, option);
}
