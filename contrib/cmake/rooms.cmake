# A room is a folder of src/: every .c file in it belongs to one object target,
# every .sql file beside them becomes a generated header of named statements.
#
#   teataja_room(members USES base db LIBS PkgConfig::SQLITE)
#
# makes the target teataja_members. USES names the rooms on floors below that
# this one may call; tests/unit/house holds every #include against it.

set(TEATAJA_GEN "${CMAKE_BINARY_DIR}/gen")
set(TEATAJA_CMAKE "${CMAKE_CURRENT_LIST_DIR}")

# Adds the header generated from one file of SQL to the list `out`.
function(teataja_embed_sql out sql header)
  add_custom_command(
    OUTPUT "${TEATAJA_GEN}/${header}"
    COMMAND ${CMAKE_COMMAND} -DINPUT=${sql} -DOUTPUT=${TEATAJA_GEN}/${header}
            -P "${TEATAJA_CMAKE}/embed_sql.cmake"
    DEPENDS "${sql}" "${TEATAJA_CMAKE}/embed_sql.cmake"
    COMMENT "Embedding ${header}"
    VERBATIM)
  set(${out} ${${out}} "${TEATAJA_GEN}/${header}" PARENT_SCOPE)
endfunction()

function(teataja_room name)
  cmake_parse_arguments(ROOM "" "" "USES;LIBS" ${ARGN})
  set(folder "${CMAKE_CURRENT_SOURCE_DIR}/${name}")
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.c")
  file(GLOB statements CONFIGURE_DEPENDS "${folder}/*.sql")
  set(generated "")
  foreach(sql IN LISTS statements)
    get_filename_component(noun "${sql}" NAME_WE)
    teataja_embed_sql(generated "${sql}" "sql/${name}/${noun}.h")
    set_property(GLOBAL APPEND PROPERTY TEATAJA_SQL_NOUNS "${name}/${noun}")
  endforeach()
  file(GLOB migrations CONFIGURE_DEPENDS "${folder}/migrations/*.sql")
  if(migrations)
    set(header "${TEATAJA_GEN}/sql/migrations.h")
    add_custom_command(
      OUTPUT "${header}"
      COMMAND ${CMAKE_COMMAND} -DINPUT=${folder}/migrations -DOUTPUT=${header}
              -P "${TEATAJA_CMAKE}/embed_migrations.cmake"
      DEPENDS ${migrations} "${TEATAJA_CMAKE}/embed_migrations.cmake"
      COMMENT "Embedding the migrations"
      VERBATIM)
    list(APPEND generated "${header}")
  endif()
  if(NOT sources)
    return()
  endif()
  add_library(teataja_${name} OBJECT ${sources} ${generated})
  target_include_directories(teataja_${name} PUBLIC "${PROJECT_SOURCE_DIR}/include" "${TEATAJA_GEN}")
  target_link_libraries(teataja_${name} PUBLIC Threads::Threads ${ROOM_LIBS})

  # The closure of USES, which a test of this room links with.
  set(closure ${name})
  foreach(used IN LISTS ROOM_USES)
    get_property(below GLOBAL PROPERTY TEATAJA_CLOSURE_${used})
    list(APPEND closure ${below})
  endforeach()
  list(REMOVE_DUPLICATES closure)
  set_property(GLOBAL PROPERTY TEATAJA_CLOSURE_${name} ${closure})
  set_property(GLOBAL APPEND PROPERTY TEATAJA_ROOMS ${name})
endfunction()

# Links `target` with the objects of the named rooms and of all they use.
function(teataja_link target)
  set(rooms "")
  foreach(room IN LISTS ARGN)
    get_property(closure GLOBAL PROPERTY TEATAJA_CLOSURE_${room})
    list(APPEND rooms ${closure})
  endforeach()
  list(REMOVE_DUPLICATES rooms)
  list(TRANSFORM rooms PREPEND teataja_)
  target_link_libraries(${target} PRIVATE ${rooms})
endfunction()
