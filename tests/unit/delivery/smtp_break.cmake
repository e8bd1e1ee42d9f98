include("${CMAKE_CURRENT_SOURCE_DIR}/support/smtp_server.cmake")
target_link_libraries(test_delivery_smtp_break PRIVATE test_smtp_server)
