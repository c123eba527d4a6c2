/* The rules by which the layout of a file is judged, with all thresholds: functions of numbers,
 * without I/O. Pure, any thread.
 *
 *     numbers, counted and measured  ->  the value of a topic  ->  a grade
 *
 * The value of a topic is one number. Less of it is better, or more is: the table says which.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    TOOL_DOCTOR_GOOD,
    TOOL_DOCTOR_NOTE, /* nothing is wrong, but it is good to know */
    TOOL_DOCTOR_FAIR,
    TOOL_DOCTOR_SLOW, /* the worst of what takes time */
    TOOL_DOCTOR_POOR, /* the worst of all else */
} ToolDoctorGrade;

typedef enum {
    TOOL_DOCTOR_DAMAGE,
    TOOL_DOCTOR_MISSING_SHARDS,
    TOOL_DOCTOR_UNEVEN_GROUPS,
    TOOL_DOCTOR_UNEVEN_SHARDS,
    TOOL_DOCTOR_RANDOM,
    TOOL_DOCTOR_SEQUENTIAL,
    TOOL_DOCTOR_BATCH,
    TOOL_DOCTOR_INDEX,
    TOOL_DOCTOR_COMPRESSION,
    TOOL_DOCTOR_CODEC,
    TOOL_DOCTOR_TRANSPOSE,
    TOOL_DOCTOR_RECORD,
    TOOL_DOCTOR_PADDING,
    TOOL_DOCTOR_KIND,
    TOOL_DOCTOR_GRAIN,
    TOOL_DOCTOR_OPTIONS,
    TOOL_DOCTOR_SUITS,
    TOOL_DOCTOR_N_TOPICS,
} ToolDoctorTopic;

/* What the file is read for; bits, so that a topic can matter for several. */
typedef enum {
    TOOL_DOCTOR_FOR_SEQUENTIAL = 1 << 0,
    TOOL_DOCTOR_FOR_RANDOM = 1 << 1,
    TOOL_DOCTOR_FOR_BATCH = 1 << 2,
    TOOL_DOCTOR_FOR_LOW_MEMORY = 1 << 3,
    TOOL_DOCTOR_FOR_ALL = (1 << 4) - 1,
} ToolDoctorAccess;

/* `slow`. Static. */
const char *tool_doctor_rules_grade_name (ToolDoctorGrade grade);

/* How bad it is; more is worse, and SLOW and POOR are equal. */
unsigned tool_doctor_rules_weight (ToolDoctorGrade grade);

/* `random`, `random access`, and the unit of the value, `x`: the key, what people read, the
 * unit. Static. */
const char *tool_doctor_rules_key (ToolDoctorTopic topic);
const char *tool_doctor_rules_title (ToolDoctorTopic topic);
const char *tool_doctor_rules_unit (ToolDoctorTopic topic);

/* Whether @topic matters for one of @access. */
bool tool_doctor_rules_matter (ToolDoctorTopic topic, ToolDoctorAccess access);

/* The grade of @value. */
ToolDoctorGrade tool_doctor_rules_grade (ToolDoctorTopic topic, double value);

/* ---- values ------------------------------------------------------------------------------ */

/* Of RANDOM: how many times the cost of a read in groups of one a read of a record costs. In
 * groups of one it is 1, whatever was measured: no smaller groups are to be had.
 * @us, @one_us  of a read of this file, and of one in groups of one; 0: not measured. */
double tool_doctor_rules_random (uint64_t max_records, double us, double one_us);

/* Of SEQUENTIAL: the speed of reading in order as a part of that in larger groups. 1 where
 * chunks are so large that no larger ones are to be tried.
 * @chunk_size  decoded bytes of the average chunk.
 * @mb_s, @large_mb_s  of this file, and in larger groups; 0: not measured. */
double tool_doctor_rules_sequential (double chunk_size, double mb_s, double large_mb_s);

/* How much smaller @best bytes are than @own, from 0 to 1; 0 if they are not, or if one of them
 * is 0: not known. */
double tool_doctor_rules_saving (double own, double best);

/* Records of a group so that its chunk has @size bytes, a round number in [1, most]. */
uint64_t tool_doctor_rules_group (double record_size, double size, uint64_t most);

/* ---- whether a topic applies ------------------------------------------------------------- */

/* Whether transposing is worth a try.
 * @messages  the part of the records that may be messages. */
bool tool_doctor_rules_may_transpose (bool is_transposed, uint64_t max_records,
                                      double messages);

/* Whether larger groups of @large records are worth a try. */
bool tool_doctor_rules_may_enlarge (double records_per_chunk, uint64_t large);

/* Whether chunk @i of @n, with @records of them, keeps the reference from finding records: all
 * have as many as the first one, the last one at most. */
bool tool_doctor_rules_is_uneven (uint64_t i, uint64_t n, uint64_t records,
                                  uint64_t group_size);
