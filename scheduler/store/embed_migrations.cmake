# cmake -DOUTPUT=embedded.c -DFILES="a.sql;b.sql" -P embed_migrations.cmake
#   Writes the migrations as C arrays, in the order of their names, which must be NNNN_name.sql from 0001 on.
list(SORT FILES)
set(arrays "")
set(table "")
set(expected 0)
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME_WE)
  math(EXPR expected "${expected} + 1")
  if(NOT name MATCHES "^([0-9][0-9][0-9][0-9])_[a-z0-9_]+$")
    message(FATAL_ERROR "${file}: a migration's name is NNNN_name.sql")
  endif()
  string(REGEX REPLACE "^0+" "" number ${CMAKE_MATCH_1})
  if(NOT number EQUAL expected)
    message(FATAL_ERROR "${file}: migration ${expected} is missing, or its number is used twice")
  endif()
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
  string(APPEND arrays "static const char sql_${number}[] = {\n${bytes}0};\n")
  string(APPEND table "    {${number}, \"${name}\", sql_${number}},\n")
endforeach()
if(expected EQUAL 0)
  message(FATAL_ERROR "no migrations")
endif()
file(WRITE ${OUTPUT} "/* Made from migrations/ by embed_migrations.cmake. */
#include \"scheduler/store/migrate.h\"

${arrays}
static const Migration migrations[] = {
${table}};

const MigrationList store_migrations = {migrations, ${expected}};
")
