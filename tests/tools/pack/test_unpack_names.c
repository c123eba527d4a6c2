/* Names of records outside of a file. */
#include <stdbool.h>
#include <string.h>

#include <glib.h>

#include "pack/unpack_names.h"

#define MAX_PART 10
#define PNG "\x89PNG\r\n\x1a\n"

typedef struct {
    uint64_t n_records, record;
    bool is_plain;
    const char *suffix;
    bool is_webdataset;
    const char *data;
    const char *name;
} Case;

static const Case cases[] = {
    {1000, 7, false, "", false, PNG, "007"},
    {1000, 7, true, "", false, PNG, "7"},
    {1000, 999, false, ".x", false, PNG, "999.x"},
    {1, 0, false, "", false, "", "0"},
    {1000, 7, false, "", true, PNG, "007.png"},
    {1000, 7, false, "", true, "", "007.bin"},
    {1000, 7, true, "", true, "text", "7.bin"},
    {1000, 7, false, ".cls", true, PNG, "007.cls"},
    {1000, 7, false, "_a", true, PNG, "007_a.png"},
    {UINT64_MAX, UINT64_MAX - 1, false, "_234567890123456789012345678901x", true, "fLaC",
     "18446744073709551614_234567890123456789012345678901x.flac"},
};

static void
test_cases (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        const Case *c = &cases[i];
        g_autoptr (GString) name = g_string_new (NULL);
        ToolUnpackNames names;

        tool_unpack_names_init (&names, c->n_records, c->is_plain, c->suffix, c->is_webdataset,
                                MAX_PART);
        g_assert_false (tool_unpack_names_format (&names, c->record, (const uint8_t *)c->data,
                                                  strlen (c->data), name));
        g_assert_cmpstr (name->str, ==, c->name);
    }
}

/* ---- stored names ---- */

static const char *
name_of (void *data, uint64_t record)
{
    return ((char **)data)[record];
}

/* The names that records with the stored names @stored, which `|` separates, get; `!` stands
 * before those that are told. */
static char *
names_for (const char *stored, const char *suffix, bool is_webdataset)
{
    g_auto (GStrv) parts = g_strsplit (stored, "|", -1);
    uint64_t n = g_strv_length (parts);
    g_autoptr (ToolUnpackPlan) plan = tool_unpack_plan_new (n, name_of, parts, MAX_PART, NULL);
    g_autoptr (GString) name = g_string_new (NULL);
    GString *all = g_string_new (NULL);
    ToolUnpackNames names;

    tool_unpack_names_init (&names, n, false, suffix, is_webdataset, MAX_PART);
    names.plan = plan;
    for (uint64_t i = 0; i < n; i++) {
        bool is_told = tool_unpack_names_format (&names, i, (const uint8_t *)"", 0, name);

        g_string_append_printf (all, "%s%s%s", i > 0 ? "|" : "", is_told ? "!" : "", name->str);
    }
    return g_string_free (all, FALSE);
}

static void
test_stored (void)
{
    static const struct {
        const char *stored, *suffix;
        bool is_webdataset;
        const char *names;
    } stored_cases[] = {
        {"a|b/c|b/d", "", false, "a|b/c|b/d"},
        {"a||c", "", false, "a|1|c"},
        {"a||c", ".x", false, "a|1.x|c"},
        /* Duplicates, and names that they would get. */
        {"a|a|a", "", false, "a|a.1|a.2"},
        {"a|a|a.1", "", false, "a|!1|a.1"},
        {"a|a|a.1/b", "", false, "a|!1|a.1/b"},
        {"d/a|d/a", "", false, "d/a|d/a.1"},
        {"./a|a|b/./c|b/c", "", false, "a|a.1|b/c|b/c.3"},
        {"123456789|123456789", "", false, "123456789|!1"}, /* too long with its number */
        {"2|2|x", ".1", false, "2|!1.1|x"}, /* `2.1` is the number of record 2 */
        {"9|9|x", ".1", false, "9|9.1|x"},
        /* Folders. */
        {"a|a/b", "", false, "!0|a/b"},
        {"a/b|a", "", false, "a/b|!1"},
        {"a|a|a/b/c|a/b", "", false, "!0|!1|a/b/c|!3"},
        {"a|a b|a/b", "", false, "!0|a b|a/b"},
        {"a|a\1|a/b", "", false, "!0|a\1|a/b"},
        {"a|a/../b", "", false, "a|!1"}, /* what is not used makes no folder */
        /* Numbers that are names of others. */
        {"/|0", "", false, "!0_|0"},
        {"/|0|0_", "", false, "!0__|0|0_"},
        {"/|0/x", "", false, "!0_|0/x"},
        {"|0", "", false, "0_|0"},
        /* WebDataset. */
        {"a|b.png|c.d/e", "", true, "a.bin|b.png|c.d/e.bin"},
        {"a|a.bin", "", true, "!0.bin|a.bin"},
        {"1|", "", true, "!0.bin|1.bin"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (stored_cases); i++) {
        g_autofree char *names = names_for (stored_cases[i].stored, stored_cases[i].suffix,
                                            stored_cases[i].is_webdataset);

        g_assert_cmpstr (names, ==, stored_cases[i].names);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/unpack_names/cases", test_cases);
    g_test_add_func ("/unpack_names/stored", test_stored);
    return g_test_run();
}
