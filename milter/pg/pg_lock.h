#ifndef POSTERN_PG_LOCK_H
#define POSTERN_PG_LOCK_H

#include <stdbool.h>

#include "milter/pg/pg_connection.h"
#include "milter/pg/pg_reads.h"

/*
 * Keeps TRUNCATE and its kind out of a load. These give a table another file, in which a database
 * snapshot from before sees no row (PostgreSQL's manual, "Caveats" of MVCC): a load whose snapshot
 * is older than its wait for the table's lock would find the table empty. Therefore the locks come
 * first, and what cannot be locked beforehand is checked afterwards.
 */

/*
 * Lock the relations of reads that can be locked, in ACCESS SHARE MODE, as the first statement of a
 * transaction that pg_begin() began, so that its database snapshot comes after the locks. SELECT
 * rights suffice, also on a standby. PG_REFUSED with pg_is_locked() if somebody else holds a lock
 * for longer than pg_begin() allows.
 */
enum pg_outcome pg_lock(struct pg *pg, const struct pg_reads *reads);

/*
 * Find out whether a relation that the transaction has read since pg_begin() is another one by now,
 * or has another file, than its database snapshot shows: then the rows read may be too few. It
 * looks at each relation that the transaction has locked, which includes those that functions read.
 */
enum pg_outcome pg_has_stale_rows(struct pg *pg, bool *is_stale_r);

#endif
