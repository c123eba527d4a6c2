/* Which chunks of golden files are picked. */
#include "doctor/doctor_layout.h"

#include "files.h"

static ArecReader *
open_golden (const char *name)
{
    g_autofree char *path = test_golden_path (name);
    g_autoptr (ArecEngine) engine = arec_engine_new (NULL);
    g_autoptr (GError) error = NULL;
    ArecReader *reader = arec_reader_open (engine, path, NULL, &error);

    g_assert_no_error (error);
    return reader;
}

/* Numbers of chunks, of places and of reads: places and reads lie in the file in order, none
 * overlaps another, and each read is of another chunk. */
static void
check (ArecReader *reader, const ToolDoctorLayout *layout, size_t most)
{
    uint64_t last_end = 0, last_limit = 0;

    g_assert_cmpuint (layout->places->len, <=, most);
    for (guint i = 0; i < layout->places->len; i++) {
        const ToolDoctorPlace *place = &g_array_index (layout->places, ToolDoctorPlace, i);

        g_assert_cmpuint (place->first, >=, last_end);
        g_assert_cmpuint (place->end, >, place->first);
        g_assert_cmpuint (place->n_chunks, >=, 1);
        g_assert_cmpuint (place->n_chunks, <=, 64);
        last_end = place->end;
    }
    g_assert_cmpuint (last_end, <=, arec_reader_n_records (reader));
    for (guint i = 0; i < layout->reads->len; i++) {
        const ToolDoctorRead *read = &g_array_index (layout->reads, ToolDoctorRead, i);
        g_autoptr (GError) error = NULL;
        ArecPlace place;

        arec_reader_locate (reader, read->record, &place, &error);
        g_assert_no_error (error);
        g_assert_cmpuint (place.chunk_offset, ==, read->begin);
        g_assert_cmpuint (read->begin, >=, last_limit);
        g_assert_cmpuint (read->end, >, read->begin);
        g_assert_cmpuint (read->end, <=, read->limit);
        last_limit = read->limit;
    }
}

static void
test_picks (void)
{
    static const struct {
        const char *name;
        bool is_padded;
    } rows[] = {
        {"text.groupsize1-uncompressed.array_record", false},
        {"text.groupsize100-brotli6.array_record", false},
        {"big.groupsize3-zstd3.array_record", false},
        {"blocks.groupsize4-uncompressed-padtoblockboundarytrue.array_record", true},
        {"tiny.groupsize2500-brotli6.array_record", false},
        {"text.uncompressed.riegeli", false},
    };
    static const size_t mosts[] = {1, 2, 3, 32};

    for (size_t i = 0; i < G_N_ELEMENTS (rows) * G_N_ELEMENTS (mosts); i++) {
        size_t row = i / G_N_ELEMENTS (mosts), most = mosts[i % G_N_ELEMENTS (mosts)];
        g_autoptr (ArecReader) reader = open_golden (rows[row].name);
        g_auto (ToolDoctorLayout) layout = {0};
        g_autoptr (GError) error = NULL;
        ArecFileInfo info;

        tool_doctor_layout_walk (&layout, reader, most, &error);
        g_assert_no_error (error);
        arec_reader_file_info (reader, 0, &info);
        g_assert_cmpuint (layout.n_chunks, ==, info.n_chunks);
        g_assert_cmpuint (layout.n_records, ==, info.n_records);
        g_assert_cmpuint (layout.decoded_size, ==, info.decoded_size);
        g_assert_cmpuint (layout.places->len, ==, MIN (most, info.n_chunks));
        g_assert_cmpuint (layout.reads->len, >=, MIN (32, info.n_chunks));
        g_assert_cmpuint (layout.reads->len, <=, 1000);
        g_assert_true ((layout.n_uneven > 0) == (info.kind == AREC_KIND_RIEGELI));
        g_assert_true ((tool_doctor_layout_padding (&layout) > 0.1) == rows[row].is_padded);
        g_assert_true (tool_doctor_layout_chunk_size (&layout) > 0);
        check (reader, &layout, most);
    }
}

/* The first place begins with the first record, the last one with the last chunk. */
static void
test_ends (void)
{
    g_autoptr (ArecReader) reader = open_golden ("text.groupsize100-brotli6.array_record");
    g_auto (ToolDoctorLayout) layout = {0};
    g_autoptr (GError) error = NULL;
    uint64_t n = arec_reader_n_records (reader);
    const ToolDoctorPlace *last;

    tool_doctor_layout_walk (&layout, reader, 2, &error);
    g_assert_no_error (error);
    last = &g_array_index (layout.places, ToolDoctorPlace, 1);
    g_assert_cmpuint (g_array_index (layout.places, ToolDoctorPlace, 0).first, ==, 0);
    g_assert_cmpuint (last->first, ==, (n - 1) / 100 * 100);
    g_assert_cmpuint (last->end, ==, n);
}

static void
test_no_records (void)
{
    g_autoptr (ArecReader) reader = open_golden ("empty.groupsize1.array_record");
    g_auto (ToolDoctorLayout) layout = {0};
    g_autoptr (GError) error = NULL;

    tool_doctor_layout_walk (&layout, reader, 32, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (layout.n_chunks + layout.places->len + layout.reads->len, ==, 0);
    g_assert_cmpfloat (tool_doctor_layout_chunk_size (&layout), ==, 0);
    g_assert_cmpfloat (tool_doctor_layout_padding (&layout), ==, 0);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/doctor_layout/picks", test_picks);
    g_test_add_func ("/doctor_layout/ends", test_ends);
    g_test_add_func ("/doctor_layout/no-records", test_no_records);
    return g_test_run();
}
