#include "model.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- fields ---- */

static uint64_t
number (const char *text)
{
    char *end = NULL;
    uint64_t value = g_ascii_strtoull (text, &end, 10);

    if (end == text || *end != '\0') {
        g_error ("model: not a number: %s", text);
    }
    return value;
}

static const char *
optional (const char *text)
{
    return strcmp (text, "-") == 0 ? NULL : text;
}

static void
need_fields (char **fields, guint at_least)
{
    if (g_strv_length (fields) < at_least) {
        g_error ("model: a line with too few fields: %s", fields[0]);
    }
}

static const ModelSource *
source_of (const Model *model, const char *text)
{
    uint64_t i = optional (text) ? number (text) : UINT64_MAX;

    if (i == UINT64_MAX) {
        return NULL;
    }
    if (i >= model->sources->len) {
        g_error ("model: no source %s", text);
    }
    return g_ptr_array_index (model->sources, i);
}

/* ---- lines ---- */

static void
add_source (Model *model, char **fields)
{
    ModelSource *source = g_new0 (ModelSource, 1);

    need_fields (fields, 6);
    source->name = fields[1];
    source->mode = (mode_t)number (fields[2]);
    source->uid = (uid_t)number (fields[3]);
    source->gid = (gid_t)number (fields[4]);
    source->mtime = (int64_t)number (fields[5]);
    g_ptr_array_add (model->sources, source);
}

static void
add_entry (ModelDirectory *parent, ModelEntry *entry)
{
    entry->parent = parent;
    g_ptr_array_add (parent->children, entry);
    if (!g_hash_table_insert (parent->listed, (char *)entry->name,
                              GUINT_TO_POINTER (parent->children->len))) {
        g_error ("model: %s is there twice", entry->name);
    }
    g_hash_table_add (parent->found, (char *)entry->name);
    if (entry->alias) {
        g_hash_table_add (parent->found, (char *)entry->alias);
    }
}

/* The directory of @path, whose line comes earlier in the file. */
static ModelDirectory *
parent_of (const Model *model, const char *path)
{
    g_autofree char *above = g_path_get_dirname (path);

    for (guint i = 0; i < model->directories->len; i++) {
        ModelDirectory *directory = g_ptr_array_index (model->directories, i);

        if (strcmp (directory->path, above) == 0) {
            return directory;
        }
    }
    g_error ("model: %s is in no directory", path);
}

static void
add_directory (Model *model, char **fields)
{
    ModelDirectory *directory = g_new0 (ModelDirectory, 1);
    ModelEntry *self = g_new0 (ModelEntry, 1);

    need_fields (fields, 3);
    directory->path = fields[1];
    directory->self = self;
    directory->children = g_ptr_array_new();
    directory->listed = g_hash_table_new (g_str_hash, g_str_equal);
    directory->found = g_hash_table_new (g_str_hash, g_str_equal);
    directory->attributes = fields + 3;
    self->directory = directory;
    self->source = source_of (model, fields[2]);
    self->name = ".";
    if (model->directories->len > 0) {
        const char *slash = strrchr (directory->path, '/');

        self->name = slash ? slash + 1 : directory->path;
        add_entry (parent_of (model, directory->path), self);
    }
    g_ptr_array_add (model->directories, directory);
}

static void
add_record (Model *model, char **fields)
{
    ModelEntry *entry = g_new0 (ModelEntry, 1);
    uint64_t offset;

    need_fields (fields, 9);
    entry->name = fields[1];
    entry->alias = optional (fields[2]);
    offset = number (fields[3]);
    entry->size = number (fields[4]);
    entry->damaged = number (fields[5]) != 0;
    entry->source = source_of (model, fields[6]);
    entry->number = fields[7];
    entry->chunk = fields[8];
    if (model->directories->len == 0 || offset > model->n_bytes ||
        entry->size > model->n_bytes - offset) {
        g_error ("model: record %s lies nowhere", entry->name);
    }
    entry->bytes = model->bytes + offset;
    model->largest = MAX (model->largest, entry->size);
    add_entry (g_ptr_array_index (model->directories, model->directories->len - 1), entry);
    g_ptr_array_add (model->records, entry);
}

static void
add_line (Model *model, const char *line)
{
    char **fields = g_strsplit (line, "\t", -1);

    g_ptr_array_add (model->fields, fields);
    if (g_strcmp0 (fields[0], "source") == 0) {
        add_source (model, fields);
    } else if (g_strcmp0 (fields[0], "directory") == 0) {
        add_directory (model, fields);
    } else if (g_strcmp0 (fields[0], "record") == 0) {
        add_record (model, fields);
    } else {
        g_error ("model: a line that is neither source, directory nor record: %s", line);
    }
}

/* ---- the model ---- */

static void
map_bytes (Model *model, const char *path)
{
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *memory = NULL;

    if (fd < 0 || fstat (fd, &st) != 0) {
        g_error ("model: %s: %m", path);
    }
    model->n_bytes = (size_t)st.st_size;
    if (st.st_size > 0) {
        memory = mmap (NULL, model->n_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    if (memory == MAP_FAILED) {
        g_error ("model: %s: %m", path);
    }
    model->bytes = memory;
    close (fd);
}

static void
free_directory (void *data)
{
    ModelDirectory *directory = data;

    g_ptr_array_unref (directory->children);
    g_hash_table_unref (directory->listed);
    g_hash_table_unref (directory->found);
    g_free (directory->self);
    g_free (directory);
}

Model *
model_load (const char *path, const char *bytes)
{
    Model *model = g_new0 (Model, 1);
    g_autofree char *text = NULL;
    g_auto (GStrv) lines = NULL;
    GError *error = NULL;

    model->sources = g_ptr_array_new_with_free_func (g_free);
    model->directories = g_ptr_array_new_with_free_func (free_directory);
    model->records = g_ptr_array_new_with_free_func (g_free);
    model->fields = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
    map_bytes (model, bytes);
    if (!g_file_get_contents (path, &text, NULL, &error)) {
        g_error ("model: %s", error->message);
    }
    lines = g_strsplit (text, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (**line) {
            add_line (model, *line);
        }
    }
    if (model->records->len == 0) {
        g_error ("model: %s: no records", path);
    }
    return model;
}

void
model_free (Model *model)
{
    g_ptr_array_unref (model->records);
    g_ptr_array_unref (model->directories);
    g_ptr_array_unref (model->sources);
    g_ptr_array_unref (model->fields);
    if (model->n_bytes > 0) {
        munmap ((void *)model->bytes, model->n_bytes);
    }
    g_free (model);
}

char *
model_path (const ModelEntry *entry, const char *name)
{
    if (entry->directory) {
        return g_strdup (entry->directory->path);
    }
    return g_build_filename (entry->parent->path, name ? name : entry->name, NULL);
}

/* ---- inode numbers ---- */

bool
model_note_inode (ModelEntry *entry, uint64_t inode)
{
    uint64_t before = 0;

    return atomic_compare_exchange_strong (&entry->inode, &before, inode) || before == inode;
}

static int
compare_inodes (const void *a, const void *b)
{
    const ModelEntry *one = *(ModelEntry *const *)a, *two = *(ModelEntry *const *)b;

    return one->inode < two->inode ? -1 : one->inode > two->inode;
}

bool
model_find_equal_inodes (const Model *model, char **one, char **two)
{
    g_autoptr (GPtrArray) seen = g_ptr_array_new();

    for (guint i = 0; i < model->records->len; i++) {
        g_ptr_array_add (seen, g_ptr_array_index (model->records, i));
    }
    for (guint i = 0; i < model->directories->len; i++) {
        g_ptr_array_add (seen, ((ModelDirectory *)model->directories->pdata[i])->self);
    }
    qsort (seen->pdata, seen->len, sizeof *seen->pdata, compare_inodes);
    for (guint i = 1; i < seen->len; i++) {
        ModelEntry *a = seen->pdata[i - 1], *b = seen->pdata[i];

        if (a->inode != 0 && a->inode == b->inode) {
            *one = model_path (a, NULL);
            *two = model_path (b, NULL);
            return true;
        }
    }
    return false;
}
