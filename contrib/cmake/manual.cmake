# Writes a manual page from its .in file: the keys of a configuration or content file come
# from the program, which reads that file by the same table.
#
#   cmake -DINPUT=x.5.in -DOUTPUT=x.5 -DPROGRAM=teataja -DVERSION=1.0 -P manual.cmake
#
# A line '.\" keys: FILE' becomes what 'teataja config manual FILE --roff' prints.
cmake_minimum_required(VERSION 3.25)
file(READ "${INPUT}" page)
string(REPLACE "@VERSION@" "${VERSION}" page "${page}")
string(REGEX MATCHALL "\\.\\\\\" keys: [a-z.]+" marks "${page}")
foreach(mark IN LISTS marks)
  string(REGEX REPLACE "^.* keys: " "" file "${mark}")
  execute_process(COMMAND "${PROGRAM}" config manual "${file}" --roff
                  OUTPUT_VARIABLE keys OUTPUT_STRIP_TRAILING_WHITESPACE
                  COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "${mark}\n" "${keys}\n" page "${page}")
endforeach()
file(WRITE "${OUTPUT}" "${page}")
