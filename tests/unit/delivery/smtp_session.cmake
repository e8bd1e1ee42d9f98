include("${CMAKE_CURRENT_SOURCE_DIR}/support/smtp_server.cmake")
target_link_libraries(test_delivery_smtp_session PRIVATE test_smtp_server)
