"""What clients of platform features do by themselves, without a person."""
