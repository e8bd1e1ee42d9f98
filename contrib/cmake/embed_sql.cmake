# Turns a file of named SQL statements into a header.
#
#   -- name: member_by_email
#   -- Why this statement is as it is.
#   SELECT ... WHERE email_key = $1;
#
# becomes SQL_MEMBER_BY_EMAIL, a `const struct db_sql *`, and a line in the
# X-macro DB_SQL_<NOUN>(X), from which the tests prepare every statement.
# A migration (-DMIGRATION=ON) is embedded whole, as one string.
file(READ "${INPUT}" text)
get_filename_component(noun "${INPUT}" NAME_WE)

# One C string literal a line.
function(c_literal out raw)
  string(REPLACE "\\" "\\\\" raw "${raw}")
  string(REPLACE "\"" "\\\"" raw "${raw}")
  string(REPLACE "\n" "\\n\"\n    \"" raw "${raw}")
  set(${out} "    \"${raw}\"" PARENT_SCOPE)
endfunction()

set(body "/* Generated from ${noun}.sql; do not edit. */\n#pragma once\n#include \"teataja/db/db.h\"\n\n")
set(table "")
if(NOT text MATCHES "-- name: [a-z0-9_]+\n")
  message(FATAL_ERROR "${INPUT}: no '-- name: ...' line")
endif()
set(rest "${text}")
while(rest MATCHES "-- name: ([a-z0-9_]+)\n")
  set(name "${CMAKE_MATCH_1}")
  string(FIND "${rest}" "-- name: ${name}\n" at)
  string(LENGTH "-- name: ${name}\n" skip)
  math(EXPR at "${at} + ${skip}")
  string(SUBSTRING "${rest}" ${at} -1 rest)
  string(FIND "${rest}" "-- name: " next)
  if(next GREATER -1)
    string(SUBSTRING "${rest}" 0 ${next} statement)
  else()
    set(statement "${rest}")
  endif()
  string(STRIP "${statement}" statement)
  c_literal(literal "${statement}")
  string(TOUPPER "${name}" upper)
  string(APPEND body "static const struct db_sql SQL_${upper}[1] = {{\n    \"${name}\",\n${literal}}};\n\n")
  string(APPEND table " \\\n    X(SQL_${upper})")
endwhile()
string(TOUPPER "${noun}" upper)
string(APPEND body "#define DB_SQL_${upper}(X)${table}\n")
file(WRITE "${OUTPUT}" "${body}")
