include("${CMAKE_CURRENT_SOURCE_DIR}/support/smtp_server.cmake")
target_link_libraries(test_net_stream PRIVATE test_smtp_server)
